# SPDX-License-Identifier: MIT
ouro_host_test(frames src/mm/frames.c)
ouro_host_test(free_map src/mm/free_map.c)
ouro_host_test(paging test/host/sim_mmu.c)
