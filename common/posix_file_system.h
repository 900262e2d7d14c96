// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "common/file_system.h"

namespace orbitmq {

// The real file system. Locks are Linux open-file-description locks on the first byte: they exclude other
// processes that use fcntl locks (a Java broker's FileChannel.tryLock) and a second Lock in this process.
std::unique_ptr<FileSystem> NewPosixFileSystem();

}  // namespace orbitmq
