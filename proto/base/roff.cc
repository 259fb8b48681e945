#include "proto/base/roff.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

namespace ledgerd {

std::string Roff(absl::string_view text) {
  const std::string escaped = absl::StrReplaceAll(text, {{"\\", "\\(rs"},
                                                         {"-", "\\-"},
                                                         {"'", "\\(aq"},
                                                         {"`", "\\(ga"},
                                                         {"^", "\\(ha"},
                                                         {"~", "\\(ti"}});
  return absl::StartsWith(escaped, ".") ? absl::StrCat("\\&", escaped)
                                        : escaped;
}

std::string RoffBold(absl::string_view text) {
  return absl::StrCat("\\fB", Roff(text), "\\fR");
}

std::string RoffItalic(absl::string_view text) {
  return absl::StrCat("\\fI", Roff(text), "\\fR");
}

std::string RoffParagraphs(absl::string_view text) {
  std::string page;
  bool verbatim = false;
  const auto set_verbatim = [&](bool wanted) {
    if (verbatim == wanted) return;
    absl::StrAppend(&page, wanted ? ".RS 4\n.nf\n" : ".fi\n.RE\n");
    verbatim = wanted;
  };
  bool begins = true;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    if (line.empty()) {
      set_verbatim(false);
      begins = true;
      continue;
    }
    set_verbatim(absl::StartsWith(line, "  "));
    if (!verbatim) absl::StrAppend(&page, begins ? ".PP\n" : ".br\n");
    absl::StrAppend(&page, Roff(line.substr(verbatim ? 2 : 0)), "\n");
    begins = false;
  }
  set_verbatim(false);
  return page;
}

}  // namespace ledgerd
