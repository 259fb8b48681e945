// A FileDescriptor owns one, and closes it.
#ifndef LEDGERD_SERVER_FILE_DESCRIPTOR_H_
#define LEDGERD_SERVER_FILE_DESCRIPTOR_H_

#include <unistd.h>

#include <utility>

namespace ledgerd::server {

class FileDescriptor {
 public:
  FileDescriptor() = default;

  explicit FileDescriptor(int number) : number_(number) {}

  FileDescriptor(FileDescriptor&& other) noexcept
      : number_(std::exchange(other.number_, -1)) {}

  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }

  ~FileDescriptor() {
    if (number_ >= 0) close(number_);
  }

  int get() const { return number_; }

  bool valid() const { return number_ >= 0; }

  // Whoever calls this owns it from now on.
  int Release() { return std::exchange(number_, -1); }

 private:
  int number_ = -1;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_FILE_DESCRIPTOR_H_
