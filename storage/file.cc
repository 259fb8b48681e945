#include "storage/file.h"

#include <cstdlib>

#include "absl/strings/str_cat.h"

#include "proto/base/check.h"
#include "proto/base/status_macros.h"

namespace ledgerd::storage {

void AlignedBuffer::Free::operator()(char* memory) const { std::free(memory); }

absl::Span<char> AlignedBuffer::Reserve(size_t bytes) {
  if (bytes > size_) {
    const size_t size = RoundUpToBlock(bytes);
    memory_.reset(static_cast<char*>(std::aligned_alloc(kBlockBytes, size)));
    LEDGERD_CHECK(memory_ != nullptr) << "out of memory: " << size << " bytes";
    size_ = size;
  }
  return {memory_.get(), bytes};
}

absl::StatusOr<std::string> ReadWhole(const File& file, uint64_t bytes_max) {
  LEDGERD_ASSIGN_OR_RETURN(const uint64_t size, file.Size());
  if (size > bytes_max) {
    return absl::DataLossError(absl::StrCat("file of ", size, " bytes where ",
                                            bytes_max, " are the most"));
  }
  std::string bytes(size, '\0');
  LEDGERD_RETURN_IF_ERROR(file.Read(0, absl::MakeSpan(bytes)));
  return bytes;
}

}  // namespace ledgerd::storage
