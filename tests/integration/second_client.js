// A client that shares nothing with ours: Node's own gRPC, and the contract's
// proto file. It pays, asks again with the same ids, and reads.
//
//   node second_client.js WORKSPACE HOST:PORT
//
// Prints what it did, one line a step; exits 0 when every answer was right.
'use strict';

const assert = require('assert');
const path = require('path');
const {createRequire} = require('module');

const [workspace, address] = process.argv.slice(2);
const tools = createRequire(path.join(workspace, 'tests/tools/package.json'));
const grpc = tools('@grpc/grpc-js');
const loader = tools('@grpc/proto-loader');

const contract = loader.loadSync('ledger/v1/ledger.proto', {
  includeDirs: [path.join(workspace, 'proto')],
  keepCase: true,
  longs: String,
  enums: String,
  defaults: true,
});
const {LedgerService} = grpc.loadPackageDefinition(contract).ledger.v1;
const client = new LedgerService(address, grpc.credentials.createInsecure());

function call(method, request) {
  return new Promise((resolve, reject) => {
    const options = {deadline: Date.now() + 20000};
    client[method](request, options, (error, answer) => {
      if (error) reject(error);
      else resolve(answer);
    });
  });
}

const id = (low) => ({high: '0', low: String(low)});
const statuses = (answer) =>
  answer.results.map((r) => r.status.replace(/^CREATE_[A-Z]+_STATUS_/, ''));

const accounts = [
  {id: id(1), ledger: 700, code: 10},
  {id: id(2), ledger: 700, code: 10, flags: 2},
];
const pay = (transfer) => ({ledger: 700, code: 1, ...transfer});
const transfers = [
  pay({id: id(11), debit_account_id: id(1), credit_account_id: id(2), amount: id(900)}),
  pay({id: id(12), debit_account_id: id(2), credit_account_id: id(1), amount: id(250)}),
  pay({id: id(13), debit_account_id: id(2), credit_account_id: id(1), amount: id(651)}),
];

async function createAndRetry() {
  const created = await call('CreateAccounts', {accounts});
  assert.deepStrictEqual(statuses(created), ['CREATED', 'CREATED']);
  console.log('two accounts created');
  const paid = await call('CreateTransfers', {transfers});
  assert.deepStrictEqual(statuses(paid), ['CREATED', 'CREATED', 'EXCEEDS_CREDITS']);
  assert(BigInt(paid.sequence) > BigInt(created.sequence));
  console.log('two transfers created, one refused');
  const again = await call('CreateTransfers', {transfers});
  assert.deepStrictEqual(statuses(again), ['EXISTS', 'EXISTS', 'ID_ALREADY_FAILED']);
  assert.strictEqual(again.results[2].original_status, 'CREATE_TRANSFER_STATUS_EXCEEDS_CREDITS');
  assert.strictEqual(again.results[0].timestamp, paid.results[0].timestamp);
  console.log('the same again: nothing doubled');
}

async function read() {
  const found = await call('LookupAccounts', {ids: [id(2), id(1), id(3)]});
  assert.deepStrictEqual(found.accounts.map((a) => a.id.low), ['2', '1']);
  assert.deepStrictEqual(found.missing_ids.map((i) => i.low), ['3']);
  const [second] = found.accounts;
  assert.strictEqual(second.credits_posted.low, '900');
  assert.strictEqual(second.debits_posted.low, '250');
  console.log('balances as they must be');
}

async function refused() {
  const error = await call('CreateTransfers', {transfers: []}).then(
      () => assert.fail('an empty batch was accepted'), (e) => e);
  assert.strictEqual(error.code, grpc.status.INVALID_ARGUMENT);
  console.log('an empty batch refused');
}

// Many calls on their way at once, over one connection.
async function stream() {
  const call = client.StreamTransfers();
  const answers = [];
  call.on('data', (answer) => answers.push(answer));
  const ended = new Promise((resolve, reject) => {
    call.on('end', resolve);
    call.on('error', reject);
  });
  for (let i = 0; i < 20; ++i) {
    const transfer = pay({
      id: id(100 + i),
      debit_account_id: id(1),
      credit_account_id: id(2),
      amount: id(1),
    });
    call.write({request_id: String(i), transfers: [transfer]});
  }
  call.end();
  await ended;
  assert.deepStrictEqual(answers.map((a) => Number(a.request_id)), [...Array(20).keys()]);
  assert(answers.every((a) => statuses(a)[0] === 'CREATED'));
  console.log('twenty batches streamed, answered in order');
}

createAndRetry().then(read).then(refused).then(stream).then(
    () => process.exit(0), (error) => {
      console.error(error);
      process.exit(1);
    });
