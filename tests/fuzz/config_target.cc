// The configuration: a file of any bytes, and what its values become.
#include "proto/base/check.h"
#include "server/config.pb.h"
#include "server/config_fields.h"
#include "server/config_yaml.h"
#include "tests/fuzz/target.h"

namespace ledgerd::fuzz {

std::vector<std::string> Seeds() {
  return {
      "data_dir: /var/lib/ledgerd\n"
      "client_address: 127.0.0.1:7300\n"
      "admin_address: '[::1]:0'\n"
      "stop_timeout_ms: 10000\n",
      "log:\n  level: debug\n  format: json\n"
      "requests:\n  default_deadline_ms: 100\n  inbox_bytes: 64MiB\n",
      "journal: {segment_bytes: 64MiB, retention_bytes: 1073741824}\n"
      "state:\n  delta_bytes: 53MiB\n  filter_bytes: 0\n",
      "# nothing\n---\n",
  };
}

}  // namespace ledgerd::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using ledgerd::server::ConfigField;
  using ledgerd::server::YamlValue;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto values = ledgerd::server::ParseYamlConfig(text, "fuzz.yaml");
  if (!values.ok()) {
    LEDGERD_CHECK(absl::IsInvalidArgument(values.status()));
    return 0;
  }
  ledgerd::config::v1::Config config;
  for (const YamlValue& value : *values) {
    const ConfigField& field = *value.field;
    if (!SetFromText(field, value.text, config).ok()) continue;
    // What was taken is what is shown, and shown it is taken again.
    const std::string shown = ToText(field, config);
    LEDGERD_CHECK_OK(SetFromText(field, shown, config));
    LEDGERD_CHECK(ToText(field, config) == shown);
  }
  return 0;
}
