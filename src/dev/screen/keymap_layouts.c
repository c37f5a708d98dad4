/* SPDX-License-Identifier: MIT */
#include "dev/screen/keymap_layouts.h"

#include "base/compiler.h"

const struct keymap_layout keymap_layouts[] = {
    {
        "us",
        u"`1234567890-=qwertyuiop[]\\asdfghjkl;'\\zxcvbnm,./",
        u"~!@#$%^&*()_+QWERTYUIOP{}|ASDFGHJKL:\"|ZXCVBNM<>?",
        u"                                                ",
    },
    {
        "de",
        u"\u03021234567890\u00df\u0301qwertzuiop\u00fc+#asdfghjkl\u00f6\u00e4<yxcvbnm,.-",
        u"\u00b0!\"\u00a7$%&/()=?\u0300QWERTZUIOP\u00dc*'ASDFGHJKL\u00d6\u00c4>YXCVBNM;:_",
        u"  \u00b2\u00b3   {[]}\\ @ \u20ac        ~            |      \u00b5   ",
    },
    {
        "fr",
        u"\u00b2&\u00e9\"'(-\u00e8_\u00e7\u00e0)=azertyuiop\u0302$*qsdfghjklm\u00f9<wxcvbn,;:!",
        u" 1234567890\u00b0+AZERTYUIOP\u0308\u00a3\u00b5QSDFGHJKLM%>WXCVBN?./\u00a7",
        u"  \u0303#{[|\u0300\\^@]}  \u20ac        \u00a4                       ",
    },
    {
        "uk",
        u"`1234567890-=qwertyuiop[]#asdfghjkl;'\\zxcvbnm,./",
        u"\u00ac!\"\u00a3$%^&*()_+QWERTYUIOP{}~ASDFGHJKL:@|ZXCVBNM<>?",
        u"\u00a6   \u20ac          \u00e9   \u00fa\u00ed\u00f3    \u00e1                     ",
    },
};

const unsigned keymap_layout_count = ARRAY_LENGTH(keymap_layouts);
