// Records of CSV: a value for each column, in the order of the file.
#include <algorithm>

#include "batch.hpp"

namespace startrail {

namespace {

bool any(const std::vector<std::string>& words, std::string_view text) {
  return std::any_of(words.begin(), words.end(), [&](const std::string& word) { return word == text; });
}

}  // namespace

// An empty line is no record; here it is refused like all that is not one, and the caller tells them apart.
bool Batch::row(const char*& at) {
  extra_.clear();
  if (*at == '\n' || (*at == '\r' && at[1] == '\n')) return false;
  const Columns& csv = *plan_.csv;
  cells_ += csv.columns.size();
  std::string_view text;
  for (size_t i = 0; i < csv.columns.size(); ++i) {
    if ((i && *at++ != csv.delimiter) || !values_.read(at, text)) return false;
    const Columns::One& one = csv.columns[i];
    if (one.declared) {
      if (!cell(text, root_.parts[one.place])) return false;
    } else {
      extra_.append(extra_.empty() ? "{" : ",").append(one.key);
      add_json(extra_, text);
    }
  }
  if (*at == '\r') ++at;
  if (*at++ != '\n') return false;
  for (const size_t place : csv.absent) root_.parts[place].add_null();
  if (!extra_.empty()) extra_ += '}';
  root_.add_parts();
  return true;
}

bool Batch::cell(std::string_view written, Column& column) {
  const Field& field = column.field;
  if (any(field.nulls, written)) {
    if (field.required) return false;
    column.add_null();
    return true;
  }
  switch (field.kind) {
    case Kind::boolean: {
      const bool yes = any(field.yes, written);
      if (!yes && !any(field.no, written)) return false;
      column.add(yes);
      return true;
    }
    case Kind::int32: case Kind::int64: case Kind::float32: case Kind::float64: {
      // behind every text stands what is no part of a number: a delimiter, a quote, a line end or NUL
      const char* at = written.data();
      return scalar(at, column) && at == written.data() + written.size();
    }
    case Kind::decimal: {
      Wide wide = 0;
      if (!fixed(written, field.precision, field.scale, wide) || (field.limited && !within(field, wide))) return false;
      if (field.precision <= 18) column.add(static_cast<int64_t>(wide));
      else column.add(wide);
      return true;
    }
    case Kind::list: case Kind::map: case Kind::object: return false;
    default: return this->text(written, column);
  }
}

}  // namespace startrail
