#include "server/readiness.h"

#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <fstream>
#include <sstream>

#include "gtest/gtest.h"

#include <sys/socket.h>
#include <sys/un.h>

namespace ledgerd::server {
namespace {

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(ReadinessTest, TheFileSaysWhereAndWho) {
  const std::string path = ::testing::TempDir() + "/ready";
  ASSERT_TRUE(WriteReadyFile(path, {"127.0.0.1:1", "127.0.0.1:2"}).ok());
  EXPECT_EQ(ReadFile(path),
            "client_address: 127.0.0.1:1\n"
            "admin_address: 127.0.0.1:2\npid: " +
                std::to_string(getpid()) + "\n");
  EXPECT_TRUE(RemoveReadyFile(path).ok());
  EXPECT_NE(access(path.c_str(), F_OK), 0);
  EXPECT_TRUE(RemoveReadyFile(path).ok());
}

TEST(ReadinessTest, TheFileSaysWhatElseThereIs) {
  const std::string path = ::testing::TempDir() + "/ready";
  ASSERT_TRUE(WriteReadyFile(path, {.client = "a:1",
                                    .admin = "a:2",
                                    .replication = "a:3",
                                    .metrics = "a:4"})
                  .ok());
  EXPECT_EQ(ReadFile(path),
            "client_address: a:1\n"
            "admin_address: a:2\n"
            "replication_address: a:3\n"
            "metrics_address: a:4\npid: " +
                std::to_string(getpid()) + "\n");
}

TEST(ReadinessTest, APlaceThatIsNotThereIsToldSo) {
  const std::string path = ::testing::TempDir() + "/none/ready";
  const absl::Status status = WriteReadyFile(path, {});
  EXPECT_NE(std::string(status.message()).find(path), std::string::npos);
}

TEST(ReadinessTest, TheServiceManagerIsTold) {
  // An abstract name, since one in the file system may be too long here.
  const std::string name = "@ledgerd-readiness-" + std::to_string(getpid());
  const int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path + 1, name.c_str() + 1,
               sizeof(address.sun_path) - 2);
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address),
                 static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) +
                                        name.size())),
            0);
  NotifyServiceManager(name, "READY=1");
  char text[16] = {};
  EXPECT_EQ(recv(fd, text, sizeof(text), 0), 7);
  EXPECT_STREQ(text, "READY=1");
  NotifyServiceManager("", "STOPPING=1");
  EXPECT_EQ(recv(fd, text, sizeof(text), MSG_DONTWAIT), -1);
  close(fd);
}

}  // namespace
}  // namespace ledgerd::server
