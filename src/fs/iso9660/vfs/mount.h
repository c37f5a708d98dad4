/* SPDX-License-Identifier: MIT */
#pragma once

/* Registers the type iso9660. Boot. */
void iso_type_register(void);
