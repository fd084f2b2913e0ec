// The catalogue's tables. Keys compare byte by byte (collation "C"), as listing and prefixes need.

import type { Migration } from "../database/contract.ts";

export const objectsMigrations: readonly Migration[] = [
  {
    id: "objects-001-catalogue",
    sql: `
      create sequence stockroom.object_version;
      create table stockroom.object (
        key text collate "C" not null,
        version text collate "C" not null,
        -- current: the one a reader gets; former: still there under its version; removed: hidden, bytes go at the next sweep; swept: bytes gone.
        state text not null check (state in ('current', 'former', 'removed', 'swept')),
        zone text not null,
        key_version integer not null,
        path text collate "C" not null unique,
        bytes bigint not null,
        sealed_bytes bigint not null,
        sha256 text not null,
        content_type text not null,
        written_by text not null,
        stored_at timestamptz not null,
        labels jsonb not null,
        primary key (key, version)
      );
      create unique index object_current on stockroom.object (key) where state = 'current';
      create index object_removed on stockroom.object (path) where state = 'removed';
      -- Which version came of which staged file; makes a second commit of the same file harmless.
      create table stockroom.object_staging (
        staging_path text primary key,
        key text collate "C" not null,
        version text collate "C" not null,
        foreign key (key, version) references stockroom.object (key, version)
      );
      create table stockroom.object_tombstone (
        key text collate "C" not null,
        version text collate "C" not null,
        removed_by text not null,
        removed_at timestamptz not null,
        primary key (key, version)
      );
      -- Files without a row, and since when they have been seen unchanged.
      create table stockroom.object_stray (
        path text collate "C" primary key,
        bytes bigint not null,
        modified_ms double precision not null,
        seen_at timestamptz not null
      );
    `,
  },
];
