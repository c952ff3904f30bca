// Hashes of the keys that came by, to find those that may have come twice. Bounded: past that, nothing more is found.
#pragma once

#include <cstdint>
#include <vector>

namespace startrail {

class Seen {
 public:
  explicit Seen(size_t keys) : tables_(keys) {}

  bool whole = true;  // all that were asked for were looked up, and those that were there are out

  // What is fetched ahead is at hand when it is added.
  void fetch(size_t key, uint64_t hash) const {
    const Table& table = tables_[key];
    if (!table.slots.empty()) __builtin_prefetch(&table.slots[first(table, hash)], 1);
  }

  // False when the hash, which is not 0, may have been added to this key before.
  bool add(size_t key, uint64_t hash) {
    Table& table = tables_[key];
    if (table.size * 3 >= table.slots.size() * 2 && !grow(table)) {
      whole = false;
      return true;
    }
    return put(table, hash);
  }

 private:
  struct Table {
    std::vector<uint64_t> slots;
    size_t size = 0;
  };

  static constexpr size_t MOST_SLOTS = 1 << 23;
  std::vector<Table> tables_;

  static size_t first(const Table& table, uint64_t hash) { return (hash * 0xff51afd7ed558ccd >> 32) & (table.slots.size() - 1); }

  static bool put(Table& table, uint64_t hash) {
    const size_t mask = table.slots.size() - 1;
    for (size_t at = first(table, hash);; at = (at + 1) & mask) {
      if (table.slots[at] == hash) return false;
      if (table.slots[at] == 0) {
        table.slots[at] = hash;
        ++table.size;
        return true;
      }
    }
  }

  static bool grow(Table& table) {
    if (table.slots.size() >= MOST_SLOTS) return false;
    Table larger;
    larger.slots.resize(table.slots.empty() ? 1 << 14 : table.slots.size() * 4);
    for (const uint64_t hash : table.slots)
      if (hash) put(larger, hash);
    table = std::move(larger);
    return true;
  }
};

}  // namespace startrail
