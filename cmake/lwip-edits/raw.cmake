# SPDX-License-Identifier: MIT
# /proc/net/raw lists the sockets (net/inet/proc_net.c).
lwip_file(src/core/raw.c)
lwip_edit("static struct raw_pcb *raw_pcbs;" "struct raw_pcb *raw_pcbs;")
lwip_file(src/include/lwip/raw.h)
lwip_edit("struct raw_pcb * raw_new        (u8_t proto);\n" "extern struct raw_pcb *raw_pcbs;\nstruct raw_pcb * raw_new        (u8_t proto);\n")
