/* SPDX-License-Identifier: MIT */
/* Any bytes on screens of several sizes: cursor, scrolling region and every store stay within the screen. */
#include "dev/screen/vt.h"

#include "base/panic.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vt vt;
    if (size < 3)
        return 0;
    uint16_t columns = (uint16_t)(2 + data[0] % 130), rows = (uint16_t)(1 + data[1] % 50);
    uint32_t lines = rows + data[2] % 40u;
    vt_cell *cells = malloc(sizeof(vt_cell) * lines * columns); /* of the exact size, for ASan */
    vt_init(&vt, cells, lines, columns, rows);
    for (size_t i = 3; i < size; i++) {
        char byte = (char)data[i];
        vt_write(&vt, &byte, 1);
        if (data[i] == 0x80)
            vt_look_back(&vt, (int8_t)data[i / 2]);
        assert(vt.cursor.row < rows && vt.cursor.column < columns);
        assert(vt.region_top < vt.region_bottom && vt.region_bottom <= rows);
        assert(vt.history <= lines - rows && vt.view <= vt.history && vt.top < lines);
    }
    for (unsigned row = 0; row < rows; row++)
        for (unsigned i = 0; i < columns; i++)
            assert((vt_row(&vt, row)[i] & 0xffff) >= ' ');
    free(cells);
    return 0;
}
