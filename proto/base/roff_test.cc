#include "proto/base/roff.h"

#include "gtest/gtest.h"

namespace ledgerd {
namespace {

TEST(RoffTest, NothingThatIsGivenIsARequestOrAnEscape) {
  EXPECT_EQ(Roff(".SH of a\\fB"), "\\&.SH of a\\(rsfB");
  EXPECT_EQ(Roff("--it's"), "\\-\\-it\\(aqs");
  EXPECT_EQ(RoffBold("-o"), "\\fB\\-o\\fR");
  EXPECT_EQ(RoffItalic("ID"), "\\fIID\\fR");
}

TEST(RoffTest, ParagraphsAndWhatStandsAsItIs) {
  EXPECT_EQ(
      RoffParagraphs("One.\nTwo.\n\nExample:\n  a  b\n"),
      ".PP\nOne.\n.br\nTwo.\n.PP\nExample:\n.RS 4\n.nf\na  b\n.fi\n.RE\n");
  EXPECT_EQ(RoffParagraphs(""), "");
}

}  // namespace
}  // namespace ledgerd
