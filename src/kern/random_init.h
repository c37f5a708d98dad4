/* SPDX-License-Identifier: MIT */
#pragma once

/* Keys the generator. After cpu_features_init(). Boot only. */
void random_init(void);
