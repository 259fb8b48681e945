// import: accounts and transfers from CSV files.
#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "client/ledgerctl/commands.h"
#include "client/ledgerctl/importer.h"
#include "client/ledgerctl/progress_bar.h"
#include "proto/base/status_macros.h"

namespace ledgerd::client {
namespace {

// Differences shown one by one; the rest is counted.
constexpr size_t kNotesMax = 20;

struct ImportOptions {
  std::vector<std::string> paths;
  bool verify = false;
  size_t batch_max = 0;
};

Record ToRecord(const ImportSummary& summary, double seconds) {
  const size_t transfers = summary.transfers_created + summary.transfers_there +
                           summary.transfers_refused;
  return {Number("accounts_created", uint64_t{summary.accounts_created}),
          Number("accounts_there", uint64_t{summary.accounts_there}),
          Number("transfers_created", uint64_t{summary.transfers_created}),
          Number("transfers_there", uint64_t{summary.transfers_there}),
          Number("transfers_refused", uint64_t{summary.transfers_refused}),
          Number("unexpected_statuses", uint64_t{summary.unexpected_statuses}),
          Number("balances_on_the_way", uint64_t{summary.balances_on_the_way}),
          Number("final_balances", uint64_t{summary.final_balances}),
          Number("balances_differ", uint64_t{summary.balances_differ}),
          Number("balances_passed_by", uint64_t{summary.balances_passed_by}),
          Number("batches", uint64_t{summary.batches}),
          Number("seconds", seconds),
          Number("transfers_per_second",
                 static_cast<double>(transfers) / std::max(seconds, 1e-3))};
}

ExitCode Judge(const ImportSummary& summary) {
  if (summary.balances_passed_by > 0) {
    Context::Say(absl::StrCat(
        summary.balances_passed_by,
        " balances on the way were passed by: their transfers were there "
        "before, or go on within a linked chain."));
  }
  if (summary.balances_differ > 0) {
    Context::Warn(
        absl::StrCat(summary.balances_differ, " balances are not as stated"));
    return ExitCode::kCorruption;
  }
  if (summary.unexpected_statuses > 0) {
    Context::Warn(absl::StrCat(summary.unexpected_statuses,
                               " accounts or transfers did not end as "
                               "expected"));
    return ExitCode::kError;
  }
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Import(Context& context,
                                const ImportOptions& options) {
  LEDGERD_ASSIGN_OR_RETURN(const DataSet set, FindDataSet(options.paths));
  if (options.verify && set.expected.empty() && set.checkpoints.empty()) {
    return absl::InvalidArgumentError(
        "--verify, but there is no expected*.csv and no checkpoints*.csv to "
        "compare with");
  }
  LEDGERD_ASSIGN_OR_RETURN(LedgerClient* const client, context.Connect());
  const size_t batch_max =
      options.batch_max == 0 ? context.batch_max()
                             : std::min(options.batch_max, context.batch_max());
  ProgressBar bar;
  size_t notes = 0;
  Importer importer(
      *client, {.batch_max = batch_max, .verify = options.verify},
      [&](const std::string& note) {
        bar.Clear();
        if (++notes <= kNotesMax) Context::Warn(note);
      },
      [&](absl::string_view what, double fraction, size_t rows) {
        bar.Show(what, fraction, rows);
      });
  const auto start = std::chrono::steady_clock::now();
  const auto summary = importer.Run(set);
  bar.Clear();
  if (!summary.ok()) {
    Context::Say("The import stopped. Run it again: what is there is skipped.");
    return summary.status();
  }
  const std::chrono::duration<double> took =
      std::chrono::steady_clock::now() - start;
  if (notes > kNotesMax) {
    Context::Say(absl::StrCat("... and ", notes - kNotesMax, " more"));
  }
  context.MakePrinter().One(ToRecord(*summary, took.count()));
  return Judge(*summary);
}

}  // namespace

void AddImportCommand(CLI::App& app, Context& context) {
  const auto options = std::make_shared<ImportOptions>();
  CLI::App* command = app.add_subcommand(
      "import", "Import accounts and transfers from CSV files.");
  command
      ->add_option("paths", options->paths,
                   "A folder, or files: accounts*.csv, transfers*.csv, "
                   "expected*.csv, checkpoints*.csv, each also as .csv.gz")
      ->type_name("PATH")
      ->required();
  command->add_flag("--verify", options->verify,
                    "Compare balances with those stated: at the end "
                    "(expected) and right after transfers (checkpoints)");
  command
      ->add_option("--batch-size", options->batch_max,
                   "Events in one request; by default as many as the server "
                   "takes")
      ->check(CLI::Range(size_t{1}, kMaxBatchSize));
  command->footer(
      "Columns, by their names in the header line:\n"
      "  accounts     id,ledger,code,flags\n"
      "  transfers    id,debit_account_id,credit_account_id,amount,ledger,code,"
      "flags\n"
      "               and, where wanted, expect,pending_id,timeout,user_data_"
      "128/64/32,timestamp\n"
      "  expected     account_id,net       (net = credits_posted - "
      "debits_posted)\n"
      "  checkpoints  after_transfer_id,account_id,net\n"
      "Flags are names joined by '|'; a transfer that is 'linked' is tied to "
      "the next row.\n\n"
      "It may be run again at any time, after a crash too: what is there "
      "already counts as there, and nothing is done twice.\n\n"
      "Exit codes: 1 a status other than expected, 6 a balance other than "
      "stated.\n\nExample:\n  ledgerctl import --verify data/berka");
  command->callback([&context, options] {
    context.Run([&] { return Import(context, *options); });
  });
}

}  // namespace ledgerd::client
