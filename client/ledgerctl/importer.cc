#include "client/ledgerctl/importer.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"

#include "proto/base/status_macros.h"

namespace ledgerd::client {
namespace {

// What became of the intent, whenever it was first tried.
TransferStatus Meaning(const TransferResult& result) {
  if (result.status == TransferStatus::kExists) return TransferStatus::kCreated;
  if (result.status == TransferStatus::kIdAlreadyFailed) {
    return result.original_status;
  }
  return result.status;
}

}  // namespace

absl::StatusOr<ImportSummary> Importer::Run(const DataSet& set) {
  summary_ = {};
  if (!set.accounts.empty()) {
    LEDGERD_RETURN_IF_ERROR(ImportAccounts(set.accounts));
  }
  if (!set.transfers.empty()) LEDGERD_RETURN_IF_ERROR(ImportTransfers(set));
  if (options_.verify && !set.expected.empty()) {
    LEDGERD_RETURN_IF_ERROR(CompareFinal(set.expected));
  }
  return summary_;
}

absl::Status Importer::ImportAccounts(const std::string& path) {
  LEDGERD_ASSIGN_OR_RETURN(const std::vector<Account> accounts,
                           ReadAccounts(path));
  const absl::Span<const Account> rows(accounts);
  std::vector<Account> batch;
  for (size_t begin = 0, end = 0; begin < rows.size(); begin = end) {
    end = ChainEnd(rows, begin);
    const bool other_kind =
        !batch.empty() && ((batch.front().flags ^ rows[begin].flags) &
                           account_flags::kImported) != 0;
    if (batch.size() + end - begin > options_.batch_max || other_kind) {
      LEDGERD_RETURN_IF_ERROR(SendAccounts(std::exchange(batch, {})));
    }
    batch.insert(batch.end(), rows.begin() + static_cast<ptrdiff_t>(begin),
                 rows.begin() + static_cast<ptrdiff_t>(end));
    progress_("accounts",
              static_cast<double>(end) / static_cast<double>(rows.size()), end);
  }
  return SendAccounts(std::move(batch));
}

absl::Status Importer::SendAccounts(std::vector<Account> batch) {
  if (batch.empty()) return absl::OkStatus();
  LEDGERD_ASSIGN_OR_RETURN(const CreatedAccounts created,
                           client_.CreateAccounts(batch));
  ++summary_.batches;
  for (size_t i = 0; i < batch.size(); ++i) {
    const AccountStatus status = created.results[i].status;
    if (status == AccountStatus::kCreated) {
      ++summary_.accounts_created;
    } else if (status == AccountStatus::kExists) {
      ++summary_.accounts_there;
    } else {
      ++summary_.unexpected_statuses;
      note_(absl::StrCat("account ", ToString(batch[i].id.value()), ": ",
                         Name(status), ", expected created"));
    }
  }
  return absl::OkStatus();
}

absl::Status Importer::ImportTransfers(const DataSet& set) {
  Checkpoints checkpoints;
  if (options_.verify && !set.checkpoints.empty()) {
    LEDGERD_ASSIGN_OR_RETURN(checkpoints, ReadCheckpoints(set.checkpoints));
  }
  LEDGERD_ASSIGN_OR_RETURN(const auto file, TransferFile::Open(set.transfers));
  ImportBatch batch(
      {.batch_max = options_.batch_max, .checkpoints = &checkpoints});
  size_t rows = 0;
  while (true) {
    LEDGERD_ASSIGN_OR_RETURN(const std::vector<TransferLine> unit,
                             file->NextUnit());
    if (unit.empty() || batch.MustEndBefore(unit)) {
      LEDGERD_RETURN_IF_ERROR(SendTransfers(set.transfers, batch));
      rows += batch.lines().size();
      batch.Clear();
      progress_("transfers", file->fraction(), rows);
    }
    if (unit.empty()) return absl::OkStatus();
    summary_.balances_passed_by += batch.Add(unit);
  }
}

absl::Status Importer::SendTransfers(const std::string& path,
                                     const ImportBatch& batch) {
  if (batch.lines().empty()) return absl::OkStatus();
  LEDGERD_ASSIGN_OR_RETURN(const CreatedTransfers created,
                           client_.CreateTransfers(batch.transfers()));
  ++summary_.batches;
  for (size_t i = 0; i < batch.lines().size(); ++i) {
    CompareStatus(path, batch.lines()[i], created.results[i]);
  }
  return CompareOnTheWay(batch, created.results);
}

void Importer::CompareStatus(const std::string& path, const TransferLine& line,
                             const TransferResult& result) {
  if (result.status == TransferStatus::kCreated) {
    ++summary_.transfers_created;
  } else if (result.status == TransferStatus::kExists) {
    ++summary_.transfers_there;
  } else {
    ++summary_.transfers_refused;
  }
  const TransferStatus meaning = Meaning(result);
  if (meaning == line.expect) return;
  ++summary_.unexpected_statuses;
  note_(absl::StrCat(path, ":", line.line, ": transfer ",
                     ToString(line.transfer.id.value()), ": ", Name(meaning),
                     ", expected ", Name(line.expect)));
}

absl::Status Importer::CompareOnTheWay(const ImportBatch& batch,
                                       const TransferResults& results) {
  std::vector<StatedBalance> stated;
  std::vector<TransferId> after;
  for (const ImportBatch::Check& check : batch.checks()) {
    // Later transfers of an earlier run may have moved the balance on.
    if (results[check.index].status == TransferStatus::kExists) {
      ++summary_.balances_passed_by;
      continue;
    }
    stated.push_back(check.stated);
    after.push_back(batch.lines()[check.index].transfer.id);
  }
  summary_.balances_on_the_way += stated.size();
  return Compare(stated, [&](size_t i) {
    return absl::StrCat(" after transfer ", ToString(after[i].value()));
  });
}

absl::Status Importer::CompareFinal(const std::string& path) {
  LEDGERD_ASSIGN_OR_RETURN(const std::vector<StatedBalance> stated,
                           ReadExpected(path));
  summary_.final_balances += stated.size();
  progress_("balances", 0, 0);
  return Compare(stated, [](size_t) { return std::string(" at the end"); });
}

absl::Status Importer::Compare(
    const std::vector<StatedBalance>& stated,
    const std::function<std::string(size_t)>& where) {
  for (size_t begin = 0; begin < stated.size(); begin += options_.batch_max) {
    const size_t end = std::min(stated.size(), begin + options_.batch_max);
    std::vector<AccountId> ids;
    for (size_t i = begin; i < end; ++i) ids.push_back(stated[i].account);
    LEDGERD_ASSIGN_OR_RETURN(const FoundAccounts found,
                             client_.LookupAccounts(ids));
    absl::flat_hash_map<AccountId, Net> nets;
    for (const Account& account : found.accounts) {
      nets[account.id] = NetOf(account);
    }
    for (size_t i = begin; i < end; ++i) {
      const auto net = nets.find(stated[i].account);
      if (net != nets.end() && net->second == stated[i].net) continue;
      ++summary_.balances_differ;
      note_(absl::StrCat(
          "account ", ToString(stated[i].account.value()), where(i), ": has ",
          net == nets.end() ? "no account" : NetText(net->second),
          ", stated is ", NetText(stated[i].net)));
    }
  }
  return absl::OkStatus();
}

}  // namespace ledgerd::client
