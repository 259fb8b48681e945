// Text of a manual page, as groff reads it.
//
//   page << ".TP\n" << RoffBold("--help") << "\n" << Roff(words) << "\n";
//
// Shape   What is given comes out as it stands: nothing of it is a request or
//         an escape, and dashes and quotes stay those that a shell reads.
// Source  man(7), groff_man(7), groff_char(7).
#ifndef LEDGERD_PROTO_BASE_ROFF_H_
#define LEDGERD_PROTO_BASE_ROFF_H_

#include <string>

#include "absl/strings/string_view.h"

namespace ledgerd {

std::string Roff(absl::string_view text);
std::string RoffBold(absl::string_view text);
std::string RoffItalic(absl::string_view text);

// Paragraphs as they are in --help: an empty line parts them, and what is
// indented is shown as it stands.
std::string RoffParagraphs(absl::string_view text);

}  // namespace ledgerd

#endif  // LEDGERD_PROTO_BASE_ROFF_H_
