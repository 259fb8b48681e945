#include "client/ledgerctl/printer.h"

#include <sstream>

#include "gtest/gtest.h"

namespace ledgerd::client {
namespace {

std::vector<Record> TwoRows() {
  return {{Text("id", "1"), Number("count", uint64_t{5})},
          {Text("id", "340282366920938463463374607431768211455"),
           Number("count", uint64_t{70})}};
}

std::string Printed(Format format, const std::vector<Record>& rows) {
  std::ostringstream out;
  Printer printer(format, out);
  for (const Record& row : rows) printer.Row(row);
  printer.Finish();
  return out.str();
}

TEST(PrinterTest, Table) {
  EXPECT_EQ(Printed(Format::kTable, TwoRows()),
            "id                                       count\n"
            "1                                            5\n"
            "340282366920938463463374607431768211455     70\n");
}

TEST(PrinterTest, JsonIsOneObjectALineAndIdsAreText) {
  EXPECT_EQ(Printed(Format::kJson, TwoRows()),
            "{\"id\":\"1\",\"count\":5}\n"
            "{\"id\":\"340282366920938463463374607431768211455\",\"count\":70}"
            "\n");
}

TEST(PrinterTest, YamlIsAList) {
  EXPECT_EQ(Printed(Format::kYaml, {TwoRows()[0]}),
            "- id: \"1\"\n  count: 5\n");
}

TEST(PrinterTest, TextIsEscaped) {
  EXPECT_EQ(Printed(Format::kJson, {{Text("a", "\"x\"\\\n")}}),
            "{\"a\":\"\\\"x\\\"\\\\\\u000a\"}\n");
}

TEST(PrinterTest, Lists) {
  const Record record = {Text("a", "1"),
                         List("b", {{Text("c", "2"), Text("d", "")}})};
  EXPECT_EQ(Printed(Format::kJson, {record}),
            "{\"a\":\"1\",\"b\":[{\"c\":\"2\",\"d\":\"\"}]}\n");
  EXPECT_EQ(Printed(Format::kTable, {record}), "a\n1\n    c=2\n");
  EXPECT_EQ(Printed(Format::kYaml, {record}),
            "- a: \"1\"\n  b:\n    - c: \"2\"\n      d: \"\"\n");
}

TEST(PrinterTest, AListsItemsAreAlignedByName) {
  std::ostringstream out;
  Printer(Format::kTable, out)
      .One({List("b", {{Text("c", "1"), Text("none", ""), Text("d", "x")},
                       {Text("c", "22"), Text("e", "y")}})});
  EXPECT_EQ(out.str(), "b\n    c=1  d=x\n    c=22     e=y\n");
}

TEST(PrinterTest, OneRecordIsNamesAndValues) {
  std::ostringstream out;
  Printer(Format::kTable, out)
      .One({Text("role", "primary"), Number("epoch", uint64_t{3})});
  EXPECT_EQ(out.str(), "role   primary\nepoch  3\n");
}

TEST(PrinterTest, AStreamIsNotHeldBackAndItsColumnsHaveRoom) {
  std::ostringstream out;
  Printer printer(Format::kTable, out);
  printer.set_streaming(true);
  printer.Row({Number("n", uint64_t{1}), Text("id", "1"), Text("end", "")});
  EXPECT_EQ(out.str(),
            "       n  id                end\n"
            "       1  1\n");
  printer.Row({Number("n", uint64_t{10'000'000}), Text("id", "create_accounts"),
               Text("end", "x")});
  EXPECT_EQ(out.str(),
            "       n  id                end\n"
            "       1  1\n"
            "10000000  create_accounts   x\n");
}

}  // namespace
}  // namespace ledgerd::client
