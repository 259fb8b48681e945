#include "client/ledgerctl/printer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"

namespace ledgerd::client {
namespace {

std::string Quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      absl::StrAppend(&out, "\\", absl::string_view(&c, 1));
    } else if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppendFormat(&out, "\\u%04x", static_cast<unsigned char>(c));
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
  return out;
}

std::string Scalar(const Cell& cell) {
  return cell.is_number ? cell.value : Quoted(cell.value);
}

std::string Json(const Cell& cell) {
  return absl::StrCat(Quoted(cell.name), ":", Scalar(cell));
}

std::string JsonItem(const std::vector<Cell>& item) {
  return absl::StrCat("{",
                      absl::StrJoin(item, ",",
                                    [](std::string* out, const Cell& cell) {
                                      absl::StrAppend(out, Json(cell));
                                    }),
                      "}");
}

std::string Json(const Field& field) {
  if (!field.is_list) return Json(field.cell);
  return absl::StrCat(
      Quoted(field.cell.name), ":[",
      absl::StrJoin(field.list, ",",
                    [](std::string* out, const std::vector<Cell>& item) {
                      absl::StrAppend(out, JsonItem(item));
                    }),
      "]");
}

std::string Json(const Record& record) {
  return absl::StrCat("{",
                      absl::StrJoin(record, ",",
                                    [](std::string* out, const Field& field) {
                                      absl::StrAppend(out, Json(field));
                                    }),
                      "}");
}

std::string YamlList(const Field& field, const std::string& indent) {
  if (field.list.empty()) return " []\n";
  std::string out = "\n";
  for (const std::vector<Cell>& item : field.list) {
    absl::string_view mark = "  - ";
    for (const Cell& cell : item) {
      absl::StrAppend(&out, indent, mark, cell.name, ": ", Scalar(cell), "\n");
      mark = "    ";
    }
  }
  return out;
}

// `first` starts the first line, `indent` the others.
std::string Yaml(const Record& record, const std::string& first,
                 const std::string& indent) {
  std::string out;
  for (const Field& field : record) {
    absl::StrAppend(&out, out.empty() ? first : indent, field.cell.name, ":");
    if (field.is_list) {
      out += YamlList(field, indent);
    } else {
      absl::StrAppend(&out, " ", Scalar(field.cell), "\n");
    }
  }
  return out;
}

std::string Padded(const std::string& text, size_t width, bool right) {
  const std::string space(width > text.size() ? width - text.size() : 0, ' ');
  return right ? space + text : text + space;
}

// "name=value"; nothing for one without a value.
std::string Worded(const Cell& cell) {
  return cell.value.empty() ? "" : absl::StrCat(cell.name, "=", cell.value);
}

const Cell* FindCell(const std::vector<Cell>& item, const std::string& name) {
  const auto found =
      std::find_if(item.begin(), item.end(),
                   [&name](const Cell& cell) { return cell.name == name; });
  return found == item.end() ? nullptr : &*found;
}

// The names that a list's items have, in their order, and the room for each.
std::vector<std::pair<std::string, size_t>> ColumnsOf(const Field& field) {
  std::vector<std::pair<std::string, size_t>> columns;
  for (const std::vector<Cell>& item : field.list) {
    for (const Cell& cell : item) {
      auto column =
          std::find_if(columns.begin(), columns.end(),
                       [&cell](const auto& c) { return c.first == cell.name; });
      if (column == columns.end()) {
        column = columns.emplace(columns.end(), cell.name, size_t{0});
      }
      column->second = std::max(column->second, Worded(cell).size());
    }
  }
  return columns;
}

// A list's items in the lines below, name under name.
std::string Lines(const Field& field) {
  const auto columns = ColumnsOf(field);
  std::string out;
  for (const std::vector<Cell>& item : field.list) {
    std::string line = "   ";
    for (const auto& [name, width] : columns) {
      if (width == 0) continue;
      const Cell* cell = FindCell(item, name);
      absl::StrAppend(
          &line, " ",
          Padded(cell == nullptr ? "" : Worded(*cell), width, false));
    }
    absl::StrAppend(&out, absl::StripTrailingAsciiWhitespace(line), "\n");
  }
  return out;
}

// Of a column whose later values are not known yet.
size_t StreamWidth(const Cell& cell) { return cell.is_number ? 8 : 16; }

Field Value(std::string name, bool is_number, std::string value) {
  return {.cell = {.name = std::move(name),
                   .is_number = is_number,
                   .value = std::move(value)}};
}

}  // namespace

Field Text(std::string name, std::string value) {
  return Value(std::move(name), /*is_number=*/false, std::move(value));
}

Field Number(std::string name, uint64_t value) {
  return Value(std::move(name), /*is_number=*/true, absl::StrCat(value));
}

Field Number(std::string name, double value) {
  return Value(std::move(name), /*is_number=*/true,
               absl::StrFormat("%.3f", value));
}

Field Boolean(std::string name, bool value) {
  return Value(std::move(name), /*is_number=*/true, value ? "true" : "false");
}

Field List(std::string name, const std::vector<Record>& items) {
  Field field{.cell = {.name = std::move(name)}, .is_list = true};
  for (const Record& item : items) {
    std::vector<Cell>& cells = field.list.emplace_back();
    for (const Field& value : item) {
      if (!value.is_list) cells.push_back(value.cell);
    }
  }
  return field;
}

void Printer::One(const Record& record) {
  if (format_ == Format::kJson) {
    out_ << Json(record) << "\n" << std::flush;
    return;
  }
  if (format_ == Format::kYaml) {
    out_ << Yaml(record, "", "") << std::flush;
    return;
  }
  size_t width = 0;
  for (const Field& field : record) {
    width = std::max(width, field.cell.name.size());
  }
  for (const Field& field : record) {
    if (field.is_list) {
      if (!field.list.empty()) out_ << field.cell.name << "\n" << Lines(field);
    } else {
      out_ << Padded(field.cell.name, width + 2, false) << field.cell.value
           << "\n";
    }
  }
  out_ << std::flush;
}

void Printer::Row(const Record& record) {
  if (format_ == Format::kJson) {
    out_ << Json(record) << "\n";
  } else if (format_ == Format::kYaml) {
    out_ << Yaml(record, "- ", "  ");
  } else if (streaming_) {
    if (widths_.empty()) PrintHeader(record);
    PrintTableRow(record);
  } else {
    waiting_.push_back(record);
  }
  if (streaming_) out_ << std::flush;
}

void Printer::Finish() {
  for (const Record& record : waiting_) Widen(record);
  if (!waiting_.empty()) PrintHeader(waiting_.front());
  for (const Record& record : waiting_) PrintTableRow(record);
  waiting_.clear();
  widths_.clear();
  out_ << std::flush;
}

void Printer::Widen(const Record& record) {
  widths_.resize(std::max(widths_.size(), record.size()));
  for (size_t i = 0; i < record.size(); ++i) {
    widths_[i] = std::max(
        {widths_[i], record[i].cell.name.size(), record[i].cell.value.size()});
  }
}

void Printer::PrintHeader(const Record& record) {
  Widen(record);
  std::string line;
  for (size_t i = 0; i < record.size(); ++i) {
    if (streaming_) {
      widths_[i] = std::max(widths_[i], StreamWidth(record[i].cell));
    }
    if (record[i].is_list) continue;
    const bool right = record[i].cell.is_number;
    absl::StrAppend(&line, i == 0 ? "" : "  ",
                    Padded(record[i].cell.name, widths_[i], right));
  }
  out_ << line.substr(0, line.find_last_not_of(' ') + 1) << "\n";
}

void Printer::PrintTableRow(const Record& record) {
  Widen(record);
  std::string line;
  std::string below;
  for (size_t i = 0; i < record.size(); ++i) {
    if (record[i].is_list) {
      below += Lines(record[i]);
      continue;
    }
    const bool right = record[i].cell.is_number;
    absl::StrAppend(&line, i == 0 ? "" : "  ",
                    Padded(record[i].cell.value, widths_[i], right));
  }
  out_ << line.substr(0, line.find_last_not_of(' ') + 1) << "\n" << below;
}

}  // namespace ledgerd::client
