// The formats of the disk that have a version, by the name that they have in
// the text of a fixture (make_format_fixture.sh).
//
//   for (const FormatVersion& format : FormatVersions()) ...
//
// Shape   A fixture's text has a line for each, with its version; where there
//         is none it was 1.
#ifndef LEDGERD_TESTS_INTEGRATION_FORMAT_VERSIONS_H_
#define LEDGERD_TESTS_INTEGRATION_FORMAT_VERSIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "proto/entry.h"
#include "storage/checkpoint_record.h"
#include "storage/identity_file.h"
#include "storage/journal_record.h"
#include "storage/segment.h"
#include "storage/superblock.h"

namespace ledgerd::integration {

struct FormatVersion {
  std::string name;
  // That this build writes.
  uint32_t version = 0;
};

inline std::vector<FormatVersion> FormatVersions() {
  return {{"format", storage::kFormatVersion},
          {"state", storage::kStateFormatVersion},
          {"superblock", storage::kSuperblockVersion},
          {"segment", storage::kSegmentVersion},
          {"frame", storage::kFrameVersion},
          {"entry", kEntryVersion}};
}

}  // namespace ledgerd::integration

#endif  // LEDGERD_TESTS_INTEGRATION_FORMAT_VERSIONS_H_
