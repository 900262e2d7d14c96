// SPDX-License-Identifier: Apache-2.0
#pragma once

// Marks what the shared library liborbitmq shows to applications; everything else stays hidden.
#define ORBITMQ_EXPORT [[gnu::visibility("default")]]
