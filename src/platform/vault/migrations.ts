// The vault's tables: which keys exist (never the keys), grants that differ from the modules' defaults, and the log of uses.

import type { Migration } from "../database/contract.ts";

export const vaultMigrations: readonly Migration[] = [
  {
    id: "vault-001-keys-grants-uses",
    sql: `
      create table stockroom.vault_key (
        zone text not null,
        version integer not null,
        -- A keyed digest made with the key: tells a wrong key file from the right one, and nothing else.
        fingerprint text not null,
        created_at timestamptz not null,
        primary key (zone, version)
      );
      create table stockroom.vault_grant (
        role text not null,
        zone text not null,
        access text not null check (access in ('read', 'write')),
        allowed boolean not null,
        changed_at timestamptz not null,
        primary key (role, zone, access)
      );
      create table stockroom.key_use (
        id bigint generated always as identity primary key,
        at timestamptz not null,
        role text not null,
        purpose text not null,
        zone text not null,
        key_version integer not null,
        access text not null check (access in ('read', 'write')),
        object_key text not null,
        allowed boolean not null
      );
      create index key_use_zone on stockroom.key_use (zone, id desc);
      create index key_use_role on stockroom.key_use (role, id desc);
      create function stockroom.key_use_is_append_only() returns trigger language plpgsql as $$
      begin
        raise exception 'stockroom.key_use is append-only: % refused', tg_op using errcode = 'insufficient_privilege';
      end $$;
      create trigger key_use_append_only before update or delete or truncate on stockroom.key_use
        for each statement execute function stockroom.key_use_is_append_only();
    `,
  },
  {
    id: "vault-002-users",
    // Who signed in; null: nobody in particular, or the app itself.
    sql: "alter table stockroom.key_use add column by_user text",
  },
];
