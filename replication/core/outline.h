// An Outline is what the protocol must know of a journal: the id of each entry,
// without what is in it.
//
//   outline.Append(entry.id());
//   const EntryId* before = outline.Find(Sequence(41));  // null: not in memory
//
// Shape   Dense: the ids of base().sequence.Next() .. last().sequence. The base
//         is the id of the entry before the first; that entry may be in the
//         journal still, or nowhere. It is committed.
// Units   48 bytes an entry.
#ifndef LEDGERD_REPLICATION_CORE_OUTLINE_H_
#define LEDGERD_REPLICATION_CORE_OUTLINE_H_

#include <cstddef>
#include <deque>
#include <vector>

#include "proto/entry.h"
#include "proto/types.h"

namespace ledgerd::replication {

class Outline {
 public:
  Outline() = default;

  // Requires: `entries` are dense and follow `base`.
  Outline(const EntryId& base, const std::vector<EntryId>& entries);

  const EntryId& base() const { return base_; }

  const EntryId& last() const {
    return entries_.empty() ? base_ : entries_.back();
  }

  size_t size() const { return entries_.size(); }

  // The id at `sequence`, the base's included; null outside.
  const EntryId* Find(Sequence sequence) const;

  bool Has(const EntryId& id) const;

  // The last id, the base's included, that can be in a journal which has `id`
  // and not what follows here: neither its sequence nor its epoch is higher.
  // The base when nothing above it can be.
  const EntryId& LastNotAbove(const EntryId& id) const;

  // Requires: follows last().
  void Append(const EntryId& id);

  // Takes `from` and all after it away. Requires: above the base.
  void CutFrom(Sequence from);

  // Forgets what is below `base`, an id that is in it.
  void ReleaseTo(Sequence base);

 private:
  EntryId base_;
  std::deque<EntryId> entries_;
};

}  // namespace ledgerd::replication

#endif  // LEDGERD_REPLICATION_CORE_OUTLINE_H_
