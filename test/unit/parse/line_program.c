/* SPDX-License-Identifier: MIT */
/* Code whose lines test_line_table.c looks up; compiled with each version of DWARF, under the name FUNCTION. */
int FUNCTION(int n);

int FUNCTION(int n)
{
    int sum = 0;
    for (volatile int i = 0; i < n; i = i + 1) {
        if (i % 3 == 0)
            sum += i;
#line 70000
        else
            sum -= n / (i + 1);
    }
#line 3 "folder/of/another.h"
    return sum * 7;
}
