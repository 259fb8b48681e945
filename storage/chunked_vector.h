// A ChunkedVector grows without moving its elements: pointers to them stay.
//
//   ChunkedVector<Transfer> transfers;
//   const Transfer& stored = transfers.Append(transfer);
//
// Rows of a power of two up to kChunk, aligned to their size, are contiguous.
#ifndef LEDGERD_STORAGE_CHUNKED_VECTOR_H_
#define LEDGERD_STORAGE_CHUNKED_VECTOR_H_

#include <cstddef>
#include <memory>
#include <vector>

namespace ledgerd::storage {

template <typename T, size_t kChunkSize = 1024>
class ChunkedVector {
 public:
  static constexpr size_t kChunk = kChunkSize;

  size_t size() const { return size_; }

  bool empty() const { return size_ == 0; }

  T& operator[](size_t i) { return chunks_[i / kChunk][i % kChunk]; }

  const T& operator[](size_t i) const {
    return chunks_[i / kChunk][i % kChunk];
  }

  // The elements from i * kChunk on.
  const T* chunk(size_t i) const { return chunks_[i].get(); }

  const T& back() const { return (*this)[size_ - 1]; }

  T& Append(const T& value) {
    if (size_ == chunks_.size() * kChunk) {
      // Not value-initialised: every element is written before it is read.
      chunks_.push_back(std::make_unique_for_overwrite<T[]>(kChunk));
    }
    T& slot = (*this)[size_++];
    slot = value;
    return slot;
  }

  void RemoveLast() { --size_; }

 private:
  std::vector<std::unique_ptr<T[]>> chunks_;
  size_t size_ = 0;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_CHUNKED_VECTOR_H_
