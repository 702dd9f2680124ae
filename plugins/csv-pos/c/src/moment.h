// Times as tills write them: `2026-11-28 17:05:00`, and what ISO 8601 has besides.
#pragma once

#include "settings.h"

// Microseconds since 1970 of a time, with its offset or by that of the settings.
Rule moment_read(Text text, const Settings *settings, int64_t *micros);
// A moment to the second, such as `20261127T143002Z`.
Text moment_compact(int64_t micros);
