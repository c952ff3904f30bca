// The records of some lines: those that certainly keep the contract as columns, the others by their place.
#pragma once

#include <map>

#include "columns.hpp"
#include "csv.hpp"
#include "seen.hpp"

namespace startrail {

struct Refused {  // startrail_refused
  int64_t ordinal, offset, size, line;  // so many lines of the batch came before
  // Where the record was taken apart: so many doubtful fields from this one on, and JSON of those that are there, and of
  // undeclared ones. All other fields are fine. Otherwise -1.
  int64_t doubts = -1, doubt = 0, text = 0, text_size = 0;
};

struct Kept {  // startrail_kept: an undeclared field, in how many accepted records, where first and with which value
  int64_t rows, ordinal, name, name_size, value, value_size;  // of one inside an object: the name in `paths`, and no value
};

// Whether a value keeps the field's limits.
bool within(const Field& field, Wide value);
bool within(const Field& field, std::string_view text);

class Batch {
 public:
  explicit Batch(const Plan& plan);

  // Reads whole lines, of JSON or, where the plan has columns, of CSV, until the batch is full; returns how many bytes it took. Behind `size` bytes stand a line
  // feed and PADDING more.
  size_t read(const char* data, size_t size);

  size_t rows() const { return root_.rows(); }
  // Takes those records out of the rows whose key may have been there before; they are `repeated` then.
  void keep_first(Seen& seen);
  void move_to(ArrowArray* out, const std::shared_ptr<void>& keeper);
  void number_from(int64_t base);
  // Each row has the number that stands at its place among the records.
  void number_as(const int64_t* numbers);

  int64_t records = 0, lines = 0;
  std::vector<Refused> refused;
  std::vector<int64_t> doubts;  // places of fields
  std::string doubtful;         // text of them
  std::vector<Kept> kept;
  std::string paths;
  std::vector<Refused> repeated;
  std::vector<int64_t> defaulted;  // accepted records that lacked each field at the top and took its fallback

 private:
  struct Undeclared {
    std::string_view name, value;
  };
  // Where a value stands: as so-and-so-many-th field of an object, or item of a list (then without field).
  struct Frame {
    const Frame* up;
    const Field* field;
    size_t index;
  };
  // An undeclared field inside an object, as the judge would keep it.
  struct Inner {
    std::string path, key, value;
    std::vector<size_t> order;
  };
  enum class Met : char { nothing, fine, doubtful };

  const Plan& plan_;
  const Field ordinal_field_, extra_field_;
  Column root_, ordinals_, extras_;
  Strings strings_;
  Values values_;
  std::string extra_;  // of a CSV record that is read
  const char* data_ = nullptr;
  size_t cells_ = 0;
  std::vector<uint64_t> hashes_;   // of the keys of each row; 0 = null
  std::vector<Refused> places_;    // of each row, where there are keys
  std::vector<Undeclared> undeclared_;  // of the record that is read
  std::vector<Inner> inner_;            // likewise
  size_t closed_ = 0;                   // above 0, no undeclared field inside an object is kept
  std::vector<size_t> lacking_;         // likewise
  std::vector<Met> met_;                // for each field, what was met of it in a record that is taken apart
  std::string strange_;                 // undeclared members of that record
  std::map<std::string_view, size_t> kept_places_;
  std::map<std::string, size_t> inner_places_;

  void refuse(const char* start, const char* end, bool text);
  bool record(const char*& at);
  bool record_apart(const char* at);
  bool row_apart(const char* at);
  bool doubt(const char*& at, size_t place);
  bool row(const char*& at);
  bool cell(std::string_view text, Column& column);
  bool object(const char*& at, Column& column, const Frame* frame);
  bool missing(Column& column, size_t place, bool top);
  bool value(const char*& at, Column& column, const Frame* up, size_t index);
  bool scalar(const char*& at, Column& column);
  bool text(std::string_view text, Column& column);
  bool list(const char*& at, Column& column, const Frame& frame);
  bool map(const char*& at, Column& column);
  bool keep(const char*& at, std::string_view name);
  bool keep_inner(const char*& at, std::string_view name, const Frame& frame);
  void extra();
  std::string extra_inner();
  void remember(const char* start, const char* end);
};

}  // namespace startrail
