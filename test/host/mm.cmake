# SPDX-License-Identifier: MIT
# src/mm, and the pure parts of src/cpu and src/kern.
ouro_host_test(frames src/mm/frames.c)
ouro_host_test(free_map src/mm/free_map.c)
ouro_host_test(paging test/host/sim_mmu.c)
ouro_host_test(areas src/mm/areas.c src/mm/frames.c src/mm/paging.c)
