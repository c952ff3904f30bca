#include "columns.hpp"

namespace startrail {

namespace {

const Field& key_field() {
  static const Field field = [] {
    Field made;
    made.column = "key";
    return made;
  }();
  return field;
}

bool is_text(Kind kind) { return kind == Kind::string || (kind >= Kind::date_text && kind <= Kind::timestamptz_text); }

// A bit for each byte.
void pack(Buffer<uint8_t>& bytes) {
  const size_t count = bytes.size();
  for (size_t to = 0; to * 8 < count; ++to) {
    unsigned bits = 0;
    for (size_t i = 0; i < 8 && to * 8 + i < count; ++i) bits |= static_cast<unsigned>(bytes[to * 8 + i] != 0) << i;
    bytes[to] = static_cast<uint8_t>(bits);
  }
}

struct Exported {
  std::shared_ptr<void> keeper;
  const void* buffers[3] = {};
  std::vector<ArrowArray> parts;
  std::vector<ArrowArray*> children;
};

void release(ArrowArray* array) {
  for (int64_t i = 0; i < array->n_children; ++i)
    if (array->children[i]->release) array->children[i]->release(array->children[i]);
  delete static_cast<Exported*>(array->private_data);
  array->release = nullptr;
}

// Arrow wants an address even for a buffer without values.
const void* address(const void* data) {
  static const int64_t nothing[2] = {};
  return data ? data : nothing;
}

}  // namespace

Column::Column(const Field& field) : field(field) {
  if (field.kind == Kind::map) parts.emplace_back(key_field());
  for (const Field& part : field.parts) parts.emplace_back(part);
  if (is_text(field.kind) || field.kind == Kind::list || field.kind == Kind::map) ints.push(0);
}

uint64_t Column::hash() {
  const size_t row = rows_ - 1;
  if (nulls_ && !present[row]) return 0;
  const auto of = [](const auto& value) { return std::string_view(reinterpret_cast<const char*>(&value), sizeof value); };
  std::string_view value;
  switch (field.kind) {
    case Kind::boolean: value = of(bytes[row]); break;
    case Kind::int32: case Kind::date: value = of(ints[row]); break;
    case Kind::int64: case Kind::time: case Kind::timestamp: case Kind::timestamptz: value = of(longs[row]); break;
    case Kind::decimal: value = field.precision <= 18 ? of(longs[row]) : of(wides[row]); break;
    case Kind::uuid: value = {chars.data() + row * 16, 16}; break;
    case Kind::string: value = {chars.data() + ints[row], static_cast<size_t>(ints[row + 1] - ints[row])}; break;
    default: return 1;  // of the same value, like all others
  }
  return std::hash<std::string_view>{}(value) | 1;
}

void Column::add_items() {
  ints.push(static_cast<int32_t>(parts.back().rows()));
  done();
}

void Column::add_null() {
  if (!nulls_++) present.fill(1, rows_);
  present.push(0);
  ++rows_;
  switch (field.kind) {
    case Kind::boolean: bytes.push(0); break;
    case Kind::int32: case Kind::date: ints.push(0); break;
    case Kind::int64: case Kind::time: case Kind::timestamp: case Kind::timestamptz: longs.push(0); break;
    case Kind::float32: floats.push(0); break;
    case Kind::float64: case Kind::float32_as_double: doubles.push(0); break;
    case Kind::decimal: field.precision <= 18 ? longs.push(0) : wides.push(0); break;
    case Kind::uuid: for (int i = 0; i < 16; ++i) chars.push(0); break;
    case Kind::list: case Kind::map: ints.push(static_cast<int32_t>(parts.back().rows())); break;
    case Kind::object: for (Column& part : parts) part.add_null(); break;
    default: ints.push(static_cast<int32_t>(chars.size()));
  }
}

void Column::truncate(size_t rows) {
  if (rows >= rows_ && field.kind != Kind::object && field.kind != Kind::list && field.kind != Kind::map) return;
  if (nulls_ && rows < rows_) {
    for (size_t at = rows; at < rows_; ++at) nulls_ -= !present[at];
    present.truncate(nulls_ ? rows : 0);
  }
  rows_ = std::min(rows, rows_);
  switch (field.kind) {
    case Kind::boolean: bytes.truncate(rows_); break;
    case Kind::int32: case Kind::date: ints.truncate(rows_); break;
    case Kind::int64: case Kind::time: case Kind::timestamp: case Kind::timestamptz: longs.truncate(rows_); break;
    case Kind::float32: floats.truncate(rows_); break;
    case Kind::float64: case Kind::float32_as_double: doubles.truncate(rows_); break;
    case Kind::decimal: field.precision <= 18 ? longs.truncate(rows_) : wides.truncate(rows_); break;
    case Kind::uuid: chars.truncate(rows_ * 16); break;
    case Kind::list: case Kind::map:
      ints.truncate(rows_ + 1);
      for (Column& part : parts) part.truncate(static_cast<size_t>(ints[rows_]));
      break;
    case Kind::object: for (Column& part : parts) part.truncate(rows_); break;
    default:
      ints.truncate(rows_ + 1);
      chars.truncate(static_cast<size_t>(ints[rows_]));
  }
}

void Column::move_to(ArrowArray* out, const std::shared_ptr<void>& keeper) {
  auto exported = std::make_unique<Exported>();
  exported->keeper = keeper;
  int buffers = 2;
  if (nulls_) {
    pack(present);
    exported->buffers[0] = present.data();
  }
  switch (field.kind) {
    case Kind::boolean:
      pack(bytes);
      exported->buffers[1] = address(bytes.data());
      break;
    case Kind::int32: case Kind::date: case Kind::list: case Kind::map: exported->buffers[1] = address(ints.data()); break;
    case Kind::int64: case Kind::time: case Kind::timestamp: case Kind::timestamptz: exported->buffers[1] = address(longs.data()); break;
    case Kind::float32: exported->buffers[1] = address(floats.data()); break;
    case Kind::float64: case Kind::float32_as_double: exported->buffers[1] = address(doubles.data()); break;
    case Kind::decimal: exported->buffers[1] = field.precision <= 18 ? address(longs.data()) : address(wides.data()); break;
    case Kind::uuid: exported->buffers[1] = address(chars.data()); break;
    case Kind::object: buffers = 1; break;
    default:
      exported->buffers[1] = address(ints.data());
      exported->buffers[2] = address(chars.data());
      buffers = 3;
  }
  const bool map = field.kind == Kind::map;
  exported->parts.resize(map ? 1 : parts.size());
  for (size_t i = 0; i < exported->parts.size(); ++i) exported->children.push_back(&exported->parts[i]);
  if (map) {
    auto entries = std::make_unique<Exported>();
    entries->keeper = keeper;
    entries->parts.resize(2);
    for (size_t i = 0; i < 2; ++i) {
      parts[i].move_to(&entries->parts[i], keeper);
      entries->children.push_back(&entries->parts[i]);
    }
    Exported* owned = entries.release();
    exported->parts[0] = {static_cast<int64_t>(parts[1].rows()), 0, 0, 1, 2, owned->buffers, owned->children.data(), nullptr, release, owned};
  } else {
    for (size_t i = 0; i < parts.size(); ++i) parts[i].move_to(&exported->parts[i], keeper);
  }
  Exported* owned = exported.release();
  *out = {static_cast<int64_t>(rows_), static_cast<int64_t>(nulls_), 0, buffers, static_cast<int64_t>(owned->children.size()),
          owned->buffers, owned->children.data(), nullptr, release, owned};
}

}  // namespace startrail
