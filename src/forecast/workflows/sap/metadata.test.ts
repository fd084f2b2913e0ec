import { expect, test } from "vitest";
import { columnTypeOf, readMetadata } from "./metadata.ts";

const text = `<edmx:Edmx xmlns:edmx="e"><edmx:DataServices><Schema Namespace="Z.Y"><EntityType Name="Fact"><Key><PropertyRef Name="Product"/></Key>
<Property Name="Product" Type="Edm.String"/><Property Name="Day" Type="Edm.DateTime"/><Property Name="Quantity" Type="Edm.Decimal"/></EntityType>
<EntityContainer Name="C"><EntitySet Name="Facts" EntityType="Z.Y.Fact"/></EntityContainer></Schema></edmx:DataServices></edmx:Edmx>`;

test("types and keys of a set are read", () => {
  const shape = readMetadata(text, "Facts");
  expect(shape?.keys).toEqual(["Product"]);
  expect([...(shape?.types ?? [])].map(([name, edm]) => [name, columnTypeOf(edm)])).toEqual([
    ["Product", "text"],
    ["Day", "time"],
    ["Quantity", "number"],
  ]);
});

test.each([["<html><body>Logon"], [""], ["{}"], [text.replace('Name="Facts"', 'Name="Others"')]])(
  "what tells nothing gives nothing",
  (other) => {
    expect(readMetadata(other, "Facts")).toBeUndefined();
  },
);
