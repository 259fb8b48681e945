// ledgerctl: payments and operations from the command line.
#include "client/ledgerctl/app.h"

int main(int argc, char** argv) {
  return ledgerd::client::RunLedgerctl({argv + 1, argv + argc});
}
