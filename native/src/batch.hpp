// The records of some lines: those that certainly keep the contract as columns, the others by their place.
#pragma once

#include <map>

#include "columns.hpp"

namespace startrail {

struct Refused {  // startrail_refused
  int64_t ordinal, offset, size;
};

struct Kept {  // startrail_kept: an undeclared field, in how many accepted records, where first and with which value
  int64_t rows, ordinal, name, name_size, value, value_size;
};

class Batch {
 public:
  explicit Batch(const Plan& plan);

  // Reads whole lines until the batch is full; returns how many bytes it took. Behind `size` bytes stand a line
  // feed and PADDING more.
  size_t read(const char* data, size_t size);

  size_t rows() const { return root_.rows(); }
  void move_to(ArrowArray* out, const std::shared_ptr<void>& keeper);
  void number_from(int64_t base);

  int64_t records = 0;
  std::vector<Refused> refused;
  std::vector<Kept> kept;
  std::vector<int64_t> defaulted;  // accepted records that lacked each field at the top and took its fallback

 private:
  struct Undeclared {
    std::string_view name, value;
  };

  const Plan& plan_;
  const Field ordinal_field_, extra_field_;
  Column root_, ordinals_, extras_;
  Strings strings_;
  const char* data_ = nullptr;
  size_t cells_ = 0;
  std::vector<Undeclared> undeclared_;  // of the record that is read
  std::vector<size_t> lacking_;         // likewise
  std::map<std::string_view, size_t> kept_places_;

  bool record(const char*& at);
  bool object(const char*& at, Column& column, bool top);
  bool missing(Column& column, size_t place, bool top);
  bool value(const char*& at, Column& column);
  bool scalar(const char*& at, Column& column);
  bool text(std::string_view text, Column& column);
  bool list(const char*& at, Column& column);
  bool map(const char*& at, Column& column);
  bool keep(const char*& at, std::string_view name);
  void extra();
};

}  // namespace startrail
