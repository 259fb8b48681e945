-- The debit-credit work of ledgerd in PostgreSQL, as an experienced user would
-- write it: one function call does all of it, an id is executed once, and an account
-- with a limit never goes beyond it.
--
-- In PostgreSQL's favour: ids and amounts have 64 bits instead of 128, there are no
-- indexes but the primary keys, no user data, no pending transfers, no event log.

CREATE TABLE accounts (
  id bigint PRIMARY KEY,
  debits_posted bigint NOT NULL DEFAULT 0,
  credits_posted bigint NOT NULL DEFAULT 0,
  flags int NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

CREATE TABLE transfers (
  id bigint PRIMARY KEY,
  debit_account_id bigint NOT NULL,
  credit_account_id bigint NOT NULL,
  amount bigint NOT NULL,
  ledger int NOT NULL,
  code int NOT NULL,
  created_at timestamptz NOT NULL
);

CREATE SEQUENCE transfer_ids CACHE 32;
CREATE SEQUENCE batches;

-- One transfer. Statuses as in ledger.proto: 1 CREATED, 23 EXISTS, 39 and 40 account
-- not found, 67 EXCEEDS_CREDITS, 68 EXCEEDS_DEBITS. Requires: the caller has the
-- accounts locked, or is alone, or locks in the order of ids, as this does.
CREATE FUNCTION create_transfer(
  p_id bigint, p_debit bigint, p_credit bigint, p_amount bigint
) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  debit accounts;
  credit accounts;
BEGIN
  INSERT INTO transfers VALUES
    (p_id, p_debit, p_credit, p_amount, 1, 1, clock_timestamp())
    ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    RETURN 23;
  END IF;
  IF p_debit < p_credit THEN
    UPDATE accounts SET debits_posted = debits_posted + p_amount
      WHERE id = p_debit RETURNING * INTO debit;
    UPDATE accounts SET credits_posted = credits_posted + p_amount
      WHERE id = p_credit RETURNING * INTO credit;
  ELSE
    UPDATE accounts SET credits_posted = credits_posted + p_amount
      WHERE id = p_credit RETURNING * INTO credit;
    UPDATE accounts SET debits_posted = debits_posted + p_amount
      WHERE id = p_debit RETURNING * INTO debit;
  END IF;
  IF debit.id IS NULL THEN
    RAISE EXCEPTION 'DEBIT_ACCOUNT_NOT_FOUND';
  ELSIF credit.id IS NULL THEN
    RAISE EXCEPTION 'CREDIT_ACCOUNT_NOT_FOUND';
  ELSIF debit.flags & 2 <> 0 AND debit.debits_posted > debit.credits_posted THEN
    RAISE EXCEPTION 'EXCEEDS_CREDITS';
  ELSIF credit.flags & 4 <> 0 AND credit.credits_posted > credit.debits_posted THEN
    RAISE EXCEPTION 'EXCEEDS_DEBITS';
  END IF;
  RETURN 1;
END
$$;

-- A batch, one transfer after the other, each with its own status, as ledgerd does.
CREATE FUNCTION create_transfers_in_order(
  p_base bigint, p_ids bigint[], p_debits bigint[], p_credits bigint[],
  p_amounts bigint[]
) RETURNS int[] LANGUAGE plpgsql AS $$
DECLARE
  statuses int[] := array_fill(1, ARRAY[cardinality(p_ids)]);
  debit accounts;
  credit accounts;
BEGIN
  PERFORM 1 FROM accounts
    WHERE id = ANY (p_debits || p_credits) ORDER BY id FOR UPDATE;
  FOR i IN 1 .. cardinality(p_ids) LOOP
    SELECT * INTO debit FROM accounts WHERE id = p_debits[i];
    SELECT * INTO credit FROM accounts WHERE id = p_credits[i];
    IF debit.id IS NULL THEN
      statuses[i] := 39;
    ELSIF credit.id IS NULL THEN
      statuses[i] := 40;
    ELSIF debit.flags & 2 <> 0
        AND debit.debits_posted + p_amounts[i] > debit.credits_posted THEN
      statuses[i] := 67;
    ELSIF credit.flags & 4 <> 0
        AND credit.credits_posted + p_amounts[i] > credit.debits_posted THEN
      statuses[i] := 68;
    ELSE
      INSERT INTO transfers VALUES
        (p_base + p_ids[i], p_debits[i], p_credits[i], p_amounts[i], 1, 1,
         clock_timestamp())
        ON CONFLICT DO NOTHING;
      IF FOUND THEN
        UPDATE accounts SET debits_posted = debits_posted + p_amounts[i]
          WHERE id = p_debits[i];
        UPDATE accounts SET credits_posted = credits_posted + p_amounts[i]
          WHERE id = p_credits[i];
      ELSE
        statuses[i] := 23;
      END IF;
    END IF;
  END LOOP;
  RETURN statuses;
END
$$;

-- A batch by sets: as fast as PostgreSQL can, with weaker rules. An account that is
-- updated once a batch can only be checked once a batch: when one is beyond its limit
-- in the end, all of the batch is refused.
CREATE FUNCTION create_transfers_as_set(
  p_base bigint, p_ids bigint[], p_debits bigint[], p_credits bigint[],
  p_amounts bigint[]
) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  beyond bigint;
  created int;
BEGIN
  PERFORM 1 FROM accounts
    WHERE id = ANY (p_debits || p_credits) ORDER BY id FOR UPDATE;
  WITH created_transfers AS (
    INSERT INTO transfers
      SELECT p_base + t.id, t.debit, t.credit, t.amount, 1, 1, clock_timestamp()
      FROM unnest(p_ids, p_debits, p_credits, p_amounts)
        AS t (id, debit, credit, amount)
      ON CONFLICT DO NOTHING
      RETURNING debit_account_id, credit_account_id, amount
  ), sums AS (
    SELECT account, sum(debit) AS debits, sum(credit) AS credits FROM (
      SELECT debit_account_id AS account, amount AS debit, 0 AS credit
        FROM created_transfers
      UNION ALL
      SELECT credit_account_id, 0, amount FROM created_transfers
    ) AS sides GROUP BY account
  ), updated AS (
    UPDATE accounts SET
        debits_posted = debits_posted + sums.debits,
        credits_posted = credits_posted + sums.credits
      FROM sums WHERE id = sums.account
      RETURNING id, flags, debits_posted, credits_posted
  )
  SELECT (SELECT count(*) FROM created_transfers),
      (SELECT min(id) FROM updated
        WHERE (flags & 2 <> 0 AND debits_posted > credits_posted)
        OR (flags & 4 <> 0 AND credits_posted > debits_posted))
    INTO created, beyond;
  IF beyond IS NOT NULL THEN
    RAISE EXCEPTION 'account % would be beyond its limit', beyond;
  END IF;
  RETURN created;
END
$$;
