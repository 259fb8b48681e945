// Data on stdout: as a table for people, as JSON or YAML for programs.
//
//   Printer printer(Format::kTable, std::cout);
//   printer.Row({Text("id", "7"), Number("ledger", 1)});   // one of many
//   printer.Finish();
//   printer.One({Text("role", "primary")});                // the only one
//
// Shape   JSON: one object a line. YAML: a list, or the one object. Table: a
//         column for each field of the first row, or name and value in lines.
//         128-bit values are text everywhere: programs lose digits otherwise.
#ifndef LEDGERD_CLIENT_LEDGERCTL_PRINTER_H_
#define LEDGERD_CLIENT_LEDGERCTL_PRINTER_H_

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

namespace ledgerd::client {

enum class Format { kTable, kJson, kYaml };

// One value and its name.
struct Cell {
  std::string name;
  bool is_number = false;
  std::string value;
};

// A value, or a list of items that have values.
struct Field {
  Cell cell;
  bool is_list = false;
  std::vector<std::vector<Cell>> list;
};

using Record = std::vector<Field>;

Field Text(std::string name, std::string value);
Field Number(std::string name, uint64_t value);
Field Number(std::string name, double value);
Field Boolean(std::string name, bool value);
// Lists do not nest: those within `items` are left out.
Field List(std::string name, const std::vector<Record>& items);

class Printer {
 public:
  Printer(Format format, std::ostream& out) : format_(format), out_(out) {}

  void One(const Record& record);

  // A table's columns are aligned over all of its rows, so it appears at
  // Finish(); a stream's rows appear at once.
  void Row(const Record& record);
  void Finish();

  void set_streaming(bool streaming) { streaming_ = streaming; }

 private:
  void PrintTableRow(const Record& record);
  void Widen(const Record& record);
  void PrintHeader(const Record& record);

  const Format format_;
  std::ostream& out_;
  bool streaming_ = false;
  std::vector<Record> waiting_;
  std::vector<size_t> widths_;
};

}  // namespace ledgerd::client

#endif  // LEDGERD_CLIENT_LEDGERCTL_PRINTER_H_
