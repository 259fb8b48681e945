#include "tests/runbook/runner.h"

#include <chrono>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

#include "proto/base/check.h"
#include "tests/integration/daemon_process.h"
#include "tests/integration/subprocess.h"

namespace ledgerd::runbook {
namespace {

constexpr std::chrono::seconds kLimit(60);
constexpr char kStart[] = "ledgerd start --config=/etc/ledgerd.yaml";

}  // namespace

Runner::Runner() {
  for (const char* name : {"bin", "backups", "archive"}) {
    std::filesystem::create_directory(directory_.Path(name));
  }
  for (const auto& [name, path] :
       {std::pair("ledgerd", integration::LedgerdPath()),
        std::pair("ledgerctl", integration::LedgerctlPath())}) {
    std::filesystem::create_symlink(
        std::filesystem::absolute(path),
        directory_.Path(absl::StrCat("bin/", name)));
  }
}

std::string Runner::ConfigOf(const std::string& name) const {
  return directory_.Path(absl::StrCat(name, ".yaml"));
}

void Runner::AddHost(const std::string& name, Host host) {
  integration::WriteFile(
      ConfigOf(name),
      absl::StrCat("data_dir: ", host.data_directory, "\nclient_address: ",
                   host.client_address, "\nadmin_address: ", host.admin_address,
                   host.members.empty() ? "" : "\nmembers: ", host.members,
                   "\n"));
  hosts_[name] = std::move(host);
}

std::string Runner::Environment() const {
  std::string clients;
  std::string admins;
  for (const auto& [name, host] : hosts_) {
    absl::StrAppend(&clients, clients.empty() ? "" : ",", host.client_address);
    absl::StrAppend(&admins, admins.empty() ? "" : ",", host.admin_address);
  }
  return absl::StrCat("export PATH=", directory_.Path("bin"), ":/usr/bin:/bin",
                      " LEDGERCTL_ADDRESS=", clients,
                      " LEDGERCTL_ADMIN_ADDRESS=", admins, "\n");
}

std::string Runner::Replaced(const RunbookCommand& command) const {
  std::string text = absl::StrReplaceAll(
      command.text,
      {{" /backups/", absl::StrCat(" ", directory_.Path("backups"), "/")},
       {" /archive", absl::StrCat(" ", directory_.Path("archive"))}});
  for (const auto& [name, host] : hosts_) {
    absl::StrReplaceAll({{absl::StrCat(name, ":7300"), host.client_address},
                         {absl::StrCat(name, ":7301"), host.admin_address}},
                        &text);
  }
  if (command.host.empty()) return text;
  return absl::StrReplaceAll(
      text, {{"/etc/ledgerd.yaml", ConfigOf(command.host)},
             {"/var/lib/ledgerd", hosts_.at(command.host).data_directory}});
}

std::string Runner::Run(const RunbookCommand& command) {
  const std::string where =
      absl::StrCat("RUNBOOK.md:", command.line, ": ", command.text, "\n");
  LEDGERD_CHECK(command.host.empty() || hosts_.contains(command.host));
  if (command.text == kStart) {
    LEDGERD_CHECK(!command.host.empty());
    const absl::Status started = hosts_.at(command.host).start();
    return started.ok() ? "" : absl::StrCat(where, started.ToString());
  }
  integration::Finished finished;
  const bool as_stated = integration::WaitUntil(kLimit, [&] {
    finished = integration::RunToEnd(
        {"/bin/bash", "-c", Environment() + Replaced(command)});
    return finished.exit_code == command.exit_code;
  });
  if (as_stated) return "";
  return absl::StrCat(where, "exit code ", finished.exit_code, " and not ",
                      command.exit_code, "\n", finished.output,
                      finished.errors);
}

std::string Runner::RunSection(const RunbookSection& section) {
  for (const RunbookCommand& command : section.commands) {
    std::string wrong = Run(command);
    if (!wrong.empty()) return wrong;
  }
  return "";
}

std::map<std::string, RunbookSection> Sections() {
  std::map<std::string, RunbookSection> sections;
  const std::string text =
      integration::ReadFile(integration::Runfile("deploy/RUNBOOK.md"));
  for (RunbookSection& section : ReadRunbook(text)) {
    if (!section.commands.empty()) sections[section.title] = section;
  }
  return sections;
}

}  // namespace ledgerd::runbook
