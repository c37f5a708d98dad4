/* SPDX-License-Identifier: MIT */
/*
 * The framed console's protocol, shared by the kernel and the host tool. Bytes travel unchanged,
 * except:
 *
 *   kernel to host                            host to kernel
 *   DLE '1'  stdout follows                   DLE '.'  end of input
 *   DLE '2'  stderr follows                   DLE DLE  one byte 0x10
 *   DLE '3'  log and reports follow           DLE 'w'  the size of the window changed:
 *                                                      "80x25\n" follows
 *                                             DLE 'b'  the power button was pressed
 *                                             DLE 't'  the answer to "time?": nanoseconds
 *                                                      since 1970 and '\n' follow
 *   DLE '!'  ready: input may be sent now
 *   DLE '>'  what follows comes by the port (below)
 *   DLE '#'  a line of text up to '\n':
 *            "exit N"        the program ended; N = 0-255, as $? shows it in a shell
 *            "sample ..."    kern/profile.h
 *            "mark NAME NS"  boot reached NAME, NS nanoseconds after the kernel's entry
 *            "missed PATH"   a walk did not find it (fs/vfs/missed.h)
 *            "suspend"       Ctrl-Z stops the first process, which nobody in the machine could continue
 *            "time?"         kern/host_time.h; answered even before FRAME_READY
 *   DLE DLE  one byte 0x10
 *
 * Firmware and GRUB may print on the same port before the kernel does: the host ignores everything
 * up to the first FRAME_HELLO. Each "stream follows" stays in force until the next one; the stream
 * after FRAME_HELLO is the log. The 32-bit boot code runs before any framing: when it must stop, it
 * prints "ouro: stop: …\n" in plain text, without FRAME_HELLO.
 *
 * The port is a second connection (dev/virtio/port.h), which carries blocks instead of escapes: a
 * byte that says what it is, the number of bytes in three bytes, low byte first, and the bytes.
 *
 *   kernel to host                            host to kernel
 *   '1' '2' '3'  bytes of the stream          'i'  input
 *   '!'          ready; any bytes             '.'  end of input; any bytes
 *   '#'          text, without '\n'           'w'  "80x25\n"
 *                                             'b'  the power button; any bytes
 *
 * Order: the kernel uses one connection at a time. It goes to the port by DLE '>', the last bytes on
 * the serial port until it returns. It returns without a word, for a report or because the port
 * has failed, after what it put into the port has arrived, if the port still works. The host
 * therefore takes bytes of the serial port only after all that the port has. Input goes the way on
 * which the last "ready" came.
 */
#pragma once

#define FRAME_DLE         0x10
#define FRAME_STDOUT      '1'
#define FRAME_STDERR      '2'
#define FRAME_LOG         '3'
#define FRAME_READY       '!'
#define FRAME_TEXT        '#'
#define FRAME_EOF         '.'
#define FRAME_SIZE        'w'
#define FRAME_POWER       'b'
#define FRAME_PORT        '>'
#define FRAME_INPUT       'i'
#define FRAME_BLOCK_HEAD  4 /* bytes before those of a block */
#define FRAME_PORT_NAME   "org.ouro.console"
#define FRAME_TIME        't'
#define FRAME_ASK_TIME    "time?"
#define FRAME_HELLO       "\020\020\020OURO1\n" /* three DLE: never occur in framed data */
#define FRAME_STUB_STOP   "ouro: stop: "
#define FRAME_KERNEL_EXIT 121 /* exit status of a kernel panic */
