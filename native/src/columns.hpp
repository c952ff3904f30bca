// Arrow arrays under construction, a tree like the plan's.
#pragma once

#include <cstdlib>
#include <memory>
#include <new>
#include <string_view>
#include <vector>

#include "plan.hpp"

namespace startrail {

template <class T>
class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept : data_(other.data_), size_(other.size_), room_(other.room_) { other.data_ = nullptr; }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { std::free(data_); }

  void push(T value) {
    if (size_ == room_) grow(1);
    data_[size_++] = value;
  }
  void append(const T* from, size_t count) {
    if (!count) return;
    if (room_ - size_ < count) grow(count);
    std::memcpy(data_ + size_, from, count * sizeof(T));
    size_ += count;
  }
  void fill(T value, size_t count) {
    for (size_t i = 0; i < count; ++i) push(value);
  }
  void truncate(size_t size) { size_ = size; }
  size_t size() const { return size_; }
  T* data() { return data_; }
  T& operator[](size_t at) { return data_[at]; }

 private:
  T* data_ = nullptr;
  size_t size_ = 0, room_ = 0;

  void grow(size_t count) {
    const size_t room = (room_ < 512 ? 1024 : room_ * 2) + count;
    auto* data = static_cast<T*>(std::realloc(data_, room * sizeof(T)));
    if (!data) throw std::bad_alloc();
    data_ = data;
    room_ = room;
  }
};

class Column {
 public:
  explicit Column(const Field& field);

  size_t rows() const { return rows_; }

  void add(bool value) { bytes.push(value), done(); }
  void add(int32_t value) { ints.push(value), done(); }
  void add(int64_t value) { longs.push(value), done(); }
  void add(float value) { floats.push(value), done(); }
  void add(double value) { doubles.push(value), done(); }
  void add(Wide value) { wides.push(value), done(); }
  void add(std::string_view text) {
    chars.append(text.data(), text.size());
    ints.push(static_cast<int32_t>(chars.size()));
    done();
  }
  void add(const unsigned char (&uuid)[16]) {
    chars.append(reinterpret_cast<const char*>(uuid), 16);
    done();
  }
  void add_parts() { done(); }  // of an object, after its parts
  void add_items();             // of a list or a map, after its items
  void add_null();
  void truncate(size_t rows);

  // Of the last row, equal for equal values; 0 for null.
  uint64_t hash();

  // As an array that keeps `keeper` alive.
  void move_to(ArrowArray* out, const std::shared_ptr<void>& keeper);

  const Field& field;
  std::vector<Column> parts;  // as in the field; a map has its keys before its values
  Buffer<int64_t> longs;      // also dates' and decimals' of up to 18 digits

 private:
  size_t rows_ = 0, nulls_ = 0;
  Buffer<uint8_t> bytes;
  Buffer<int32_t> ints;  // also offsets
  Buffer<float> floats;
  Buffer<double> doubles;
  Buffer<Wide> wides;
  Buffer<char> chars;
  Buffer<uint8_t> present;  // a byte per row, from the first null on

  void done() {
    ++rows_;
    if (nulls_) present.push(1);
  }
};

}  // namespace startrail
