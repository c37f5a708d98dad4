# SPDX-License-Identifier: MIT
# The thinking part of example/explorer.
set(explorer_flags FLAGS -I${PROJECT_SOURCE_DIR}/include -I${PROJECT_SOURCE_DIR}/example)
ouro_host_test(example/explorer_http example/explorer/http.c ${explorer_flags})
ouro_host_test(example/explorer_json example/explorer/json.c ${explorer_flags})
ouro_host_test(example/explorer_proc example/explorer/proc.c example/explorer/json.c ${explorer_flags})
ouro_host_test(example/explorer_walk example/explorer/walk.c example/explorer/json.c ${explorer_flags})
ouro_fuzzer(example/explorer_http example/explorer/http.c)
ouro_fuzzer(example/explorer_proc example/explorer/proc.c example/explorer/json.c)
