// What protocols say and do, in the words of a transcript.
//
//   Describe(message)    "1 -> 2 append after 1.4: 1.5, commit 4"
//   NameOf(message.body) "append"
//
// An entry is EPOCH.SEQUENCE.
#ifndef LEDGERD_TESTS_SCENARIOS_DESCRIBE_H_
#define LEDGERD_TESTS_SCENARIOS_DESCRIBE_H_

#include <string>

#include "absl/strings/string_view.h"

#include "replication/core/protocol.h"

namespace ledgerd::scenarios {

std::string Describe(const EntryId& id);
std::string Describe(const replication::Message& message);
std::string Describe(const replication::JournalWrite& write);
std::string Describe(const Membership& membership);
std::string Describe(const replication::RequestResult& result);

// As a scenario selects it: one word.
std::string NameOf(const replication::Body& body);
std::string NameOf(const replication::RoleState& role);
absl::string_view NameOf(replication::Alarm alarm);

// The role, the epoch, the journal and how much of it is durable and committed.
std::string Status(const replication::Protocol& protocol);

}  // namespace ledgerd::scenarios

#endif  // LEDGERD_TESTS_SCENARIOS_DESCRIBE_H_
