// The identity part's tables. Of sessions and tokens only digests are kept: what opens them stands nowhere.

import type { Migration } from "../database/contract.ts";

export const identityMigrations: readonly Migration[] = [
  {
    id: "identity-001-sessions-tokens",
    sql: `
      -- People as a provider (OIDC) made them known.
      create table stockroom.identity_user (
        id text primary key,
        name text not null,
        name_key text not null unique,
        -- As of the last sign-in; empty: refused since.
        roles text[] not null,
        seen_at timestamptz not null
      );
      create table stockroom.identity_session (
        id text primary key,
        digest bytea not null unique,
        -- Who: a person's id, a token's, or a digest of the server's own token.
        user_id text not null,
        agent text not null,
        address text not null,
        created_at timestamptz not null,
        seen_at timestamptz not null,
        expires_at timestamptz not null
      );
      create index identity_session_user on stockroom.identity_session (user_id);
      create table stockroom.identity_token (
        id text primary key,
        digest bytea not null unique,
        name text not null,
        roles text[] not null,
        -- A person's id; null: a machine's.
        owner text,
        made_by text not null,
        created_at timestamptz not null,
        expires_at timestamptz not null,
        used_at timestamptz,
        revoked_at timestamptz,
        revoked_by text
      );
      -- What a browser takes with it to a provider and back, once.
      create table stockroom.identity_flow (
        digest bytea primary key,
        state text not null,
        nonce text not null,
        verifier text not null,
        next text not null,
        expires_at timestamptz not null
      );
    `,
  },
];
