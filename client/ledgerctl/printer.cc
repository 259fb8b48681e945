#include "client/ledgerctl/printer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
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

std::string Scalar(const Field& field) {
  return field.kind == Field::Kind::kNumber ? field.value : Quoted(field.value);
}

std::string Json(const Record& record) {
  std::string out = "{";
  absl::string_view comma;
  for (const Field& field : record) {
    absl::StrAppend(&out, comma, Quoted(field.name), ":");
    comma = ",";
    if (field.kind != Field::Kind::kList) {
      out += Scalar(field);
      continue;
    }
    out += "[";
    absl::string_view item_comma;
    for (const Record& item : field.list) {
      absl::StrAppend(&out, item_comma, Json(item));
      item_comma = ",";
    }
    out += "]";
  }
  return out + "}";
}

// `first` starts the first line, `indent` the others.
std::string Yaml(const Record& record, const std::string& first,
                 const std::string& indent) {
  std::string out;
  for (const Field& field : record) {
    absl::StrAppend(&out, out.empty() ? first : indent, field.name, ":");
    if (field.kind != Field::Kind::kList) {
      absl::StrAppend(&out, " ", Scalar(field), "\n");
      continue;
    }
    out += field.list.empty() ? " []\n" : "\n";
    for (const Record& item : field.list) {
      out += Yaml(item, indent + "  - ", indent + "    ");
    }
  }
  return out;
}

// A list's items in the lines below: name=value.
std::string Lines(const Field& list) {
  std::string out;
  for (const Record& item : list.list) {
    out += "   ";
    for (const Field& field : item) {
      if (field.value.empty()) continue;
      absl::StrAppend(&out, " ", field.name, "=", field.value);
    }
    out += "\n";
  }
  return out;
}

std::string Padded(const std::string& text, size_t width, bool right) {
  const std::string space(width > text.size() ? width - text.size() : 0, ' ');
  return right ? space + text : text + space;
}

// Of a column whose later values are not known yet.
size_t StreamWidth(const Field& field) {
  return field.kind == Field::Kind::kNumber ? 8 : 16;
}

}  // namespace

Field Text(std::string name, std::string value) {
  return {.name = std::move(name), .value = std::move(value)};
}

Field Number(std::string name, uint64_t value) {
  return {.name = std::move(name),
          .kind = Field::Kind::kNumber,
          .value = absl::StrCat(value)};
}

Field Number(std::string name, double value) {
  return {.name = std::move(name),
          .kind = Field::Kind::kNumber,
          .value = absl::StrFormat("%.3f", value)};
}

Field Boolean(std::string name, bool value) {
  return {.name = std::move(name),
          .kind = Field::Kind::kNumber,
          .value = value ? "true" : "false"};
}

Field List(std::string name, std::vector<Record> list) {
  return {.name = std::move(name),
          .kind = Field::Kind::kList,
          .list = std::move(list)};
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
  for (const Field& field : record) width = std::max(width, field.name.size());
  for (const Field& field : record) {
    if (field.kind == Field::Kind::kList) {
      if (!field.list.empty()) out_ << field.name << "\n" << Lines(field);
    } else {
      out_ << Padded(field.name, width + 2, false) << field.value << "\n";
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
    widths_[i] =
        std::max({widths_[i], record[i].name.size(), record[i].value.size()});
  }
}

void Printer::PrintHeader(const Record& record) {
  Widen(record);
  std::string line;
  for (size_t i = 0; i < record.size(); ++i) {
    if (streaming_) widths_[i] = std::max(widths_[i], StreamWidth(record[i]));
    if (record[i].kind == Field::Kind::kList) continue;
    const bool right = record[i].kind == Field::Kind::kNumber;
    absl::StrAppend(&line, i == 0 ? "" : "  ",
                    Padded(record[i].name, widths_[i], right));
  }
  out_ << line.substr(0, line.find_last_not_of(' ') + 1) << "\n";
}

void Printer::PrintTableRow(const Record& record) {
  Widen(record);
  std::string line;
  std::string below;
  for (size_t i = 0; i < record.size(); ++i) {
    if (record[i].kind == Field::Kind::kList) {
      below += Lines(record[i]);
      continue;
    }
    const bool right = record[i].kind == Field::Kind::kNumber;
    absl::StrAppend(&line, i == 0 ? "" : "  ",
                    Padded(record[i].value, widths_[i], right));
  }
  out_ << line.substr(0, line.find_last_not_of(' ') + 1) << "\n" << below;
}

}  // namespace ledgerd::client
