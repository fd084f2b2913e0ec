// A zone to drop a file on, or to choose one: a field like any other for who has no mouse.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import "./drop-zone.css";

export function DropZone({ title, onFile, children }: { title: string; onFile: (file: File) => void; children?: ComponentChildren }) {
  const [isOver, setOver] = useState(false);
  return (
    <label
      class={`drop-zone ${isOver ? "over" : ""}`}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        const file = event.dataTransfer?.files[0];
        if (file !== undefined) onFile(file);
      }}
    >
      <b>{title}</b>
      <input
        type="file"
        onChange={(event) => {
          const file = event.currentTarget.files?.[0];
          event.currentTarget.value = "";
          if (file !== undefined) onFile(file);
        }}
      />
      {children}
    </label>
  );
}
