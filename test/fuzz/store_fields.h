// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace orbitmq::store {

using FileSet = std::map<std::string, std::string>;  // Path to content.

// Changes fields of a store's files as `script` says, where they stand and, if it says so, with the CRCs over
// them made right again, so that what reads them cannot tell by a CRC: records of the log, units of queues,
// header, slots and entries of index files, both checkpoints, the marker of record CRCs.
// Format of the script: operations of 10 bytes: kind, flags, which one (u16), which field, how, a number
// (u32). A rest that is too short is left alone; every script is a legal one.
void MutateFields(FileSet& files, std::string_view script);

}  // namespace orbitmq::store
