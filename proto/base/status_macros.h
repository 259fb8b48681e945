// Hand errors to the caller without ceremony.
//
//   LEDGERD_RETURN_IF_ERROR(file.Sync());
//   LEDGERD_ASSIGN_OR_RETURN(const auto entries, journal.Read(first, bytes));
#ifndef LEDGERD_PROTO_BASE_STATUS_MACROS_H_
#define LEDGERD_PROTO_BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define LEDGERD_RETURN_IF_ERROR(expression)                                 \
  do {                                                                      \
    if (absl::Status ledgerd_status = (expression); !ledgerd_status.ok()) { \
      return ledgerd_status;                                                \
    }                                                                       \
  } while (false)

#define LEDGERD_CONCAT_INNER(a, b) a##b
#define LEDGERD_CONCAT(a, b) LEDGERD_CONCAT_INNER(a, b)

#define LEDGERD_ASSIGN_OR_RETURN(declaration, expression)                     \
  LEDGERD_ASSIGN_OR_RETURN_IMPL(LEDGERD_CONCAT(ledgerd_status_or_, __LINE__), \
                                declaration, expression)

#define LEDGERD_ASSIGN_OR_RETURN_IMPL(name, declaration, expression) \
  auto name = (expression);                                          \
  if (!name.ok()) return std::move(name).status();                   \
  declaration = *std::move(name)

#endif  // LEDGERD_PROTO_BASE_STATUS_MACROS_H_
