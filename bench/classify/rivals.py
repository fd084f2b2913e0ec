"""The rivals of the classifier on the same split: fastText (Debian's `fasttext`) and scikit-learn (Debian's `python3-sklearn`).

    python3 rivals.py ords|pricerunner FILE [row ...]

One JSON object a line: name, accuracy, macro_f1, ece, coverage_ceiling, fit_cpu_s, predict_cpu_s. Fit is user + system time of everything between
the rows in memory and a trained model, predict of everything between the rows in memory and labels. Rows not installed are left out with a reason.
"""

import csv
import gzip
import json
import os
import resource
import subprocess
import sys
import tempfile

dataset, path, *wanted = sys.argv[1:]
if dataset == "ords":
    label, texts, categories = "category", ["title", "brand", "description"], ["country", "lang", "provider", "brand"]
else:
    label, texts, categories = "category_label", ["product_title"], []
csv.field_size_limit(1 << 24)
with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
    rows = list(csv.DictReader(file))
train = [row for row in rows if row["split"] == "train"]
test = [row for row in rows if row["split"] == "test"]
truth = [row[label] for row in test]


def cpu():
    return sum(resource.getrusage(who)[i] for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN) for i in (0, 1))


def report(name, predicted, confidence, probability, fit_s, predict_s):
    classes = sorted(set(truth))
    f1 = []
    for code in classes:
        hits = sum(t == p == code for t, p in zip(truth, predicted))
        f1.append(2 * hits / (sum(t == code for t in truth) + sum(p == code for p in predicted)))
    right = [t == p for t, p in zip(truth, predicted)]
    ece = None
    if probability is not None:
        gaps = [0.0] * 15
        for p, r in zip(probability, right):
            gaps[min(14, max(0, int(p * 15)))] += p - r
        ece = sum(map(abs, gaps)) / len(right)
    best, hits = 0, 0
    for n, i in enumerate(sorted(range(len(right)), key=lambda i: -confidence[i]), 1):
        hits += right[i]
        if hits >= 0.98 * n:
            best = n
    print(
        json.dumps(
            {
                "name": name,
                "accuracy": sum(right) / len(right),
                "macro_f1": sum(f1) / len(f1),
                "ece": ece,
                "coverage_ceiling": best / len(right),
                "fit_cpu_s": fit_s,
                "predict_cpu_s": predict_s,
                "items": len(right),
            }
        ),
        flush=True,
    )


def fasttext(name, *options):
    classes = sorted({row[label] for row in rows})
    number = {code: str(i) for i, code in enumerate(classes)}

    def line(row):
        return f"__label__{number[row[label]]} " + " ".join(" ".join(row[c] for c in texts).lower().split()) + "\n"

    with tempfile.TemporaryDirectory() as folder:
        for part, some in (("train", train), ("test", test), ("valid", [row for row in rows if row["split"] == "valid"])):
            with open(f"{folder}/{part}", "w", encoding="utf-8") as file:
                file.writelines(map(line, some))
        start = cpu()
        command = ["fasttext", "supervised", "-input", f"{folder}/train", "-output", f"{folder}/model"]
        options = [option.replace("VALID", f"{folder}/valid") for option in options]
        subprocess.run(command + options, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        fitted = cpu()
        out = subprocess.run(
            ["fasttext", "predict-prob", f"{folder}/model.bin", f"{folder}/test"], check=True, capture_output=True, text=True
        ).stdout
        done = cpu()
    pairs = [entry.split() for entry in out.splitlines()]
    # A line without any known word gets no answer.
    predicted = [classes[int(pair[0][9:])] if pair else "" for pair in pairs]
    probability = [min(1.0, float(pair[1])) if pair else 0.0 for pair in pairs]
    report(name, predicted, probability, probability, fitted - start, done - fitted)


def sklearn(name, kind):
    import numpy
    import scipy.sparse
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.preprocessing import OneHotEncoder
    from sklearn.svm import LinearSVC

    word = dict(ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b", sublinear_tf=True)
    char = lambda low: dict(analyzer="char_wb", ngram_range=(low, 5), sublinear_tf=True)
    joined = lambda some: [" ".join(row[c] for c in texts) for row in some]
    column = lambda c: lambda some: [row[c] for row in some]
    parts = [(joined, word)] if kind == "joined" else [(column(c), word) for c in texts]
    if kind == "columns":
        parts += [(column(c), char(3)) for c in texts]
    if kind == "everything":
        parts += [(column(c), char(2 if c != "description" else 3)) for c in texts]
    start = cpu()
    vectorizers = [(take, TfidfVectorizer(**options)) for take, options in parts]
    matrices = [vectorizer.fit_transform(take(train)) for take, vectorizer in vectorizers]
    onehot = None
    codes = lambda some: [[row[c].lower() for c in categories] for row in some]
    if kind == "everything" and categories:
        onehot = OneHotEncoder(handle_unknown="ignore")
        matrices.append(onehot.fit_transform(codes(train)))
    model = LinearSVC(C=0.3 if kind == "everything" else 1.0).fit(scipy.sparse.hstack(matrices).tocsr(), [row[label] for row in train])
    fitted = cpu()
    matrices = [vectorizer.transform(take(test)) for take, vectorizer in vectorizers]
    if onehot is not None:
        matrices.append(onehot.transform(codes(test)))
    margins = model.decision_function(scipy.sparse.hstack(matrices).tocsr())
    predicted = model.classes_[margins.argmax(axis=1)]
    done = cpu()
    ordered = numpy.sort(margins, axis=1)
    report(name, predicted, ordered[:, -1] - ordered[:, -2], None, fitted - start, done - fitted)


every = {
    "fasttext-default": lambda: fasttext("fastText, default", "-thread", "2"),
    "fasttext-tuned": lambda: fasttext(
        "fastText, 25 epochs, pairs, char 3-5", "-thread", "2", "-epoch", "25", "-wordNgrams", "2", "-minn", "3", "-maxn", "5", "-lr", "0.5"
    ),
    "fasttext-autotune": lambda: fasttext(
        "fastText, autotune 120 s", "-thread", "2", "-autotune-validation", "VALID", "-autotune-duration", "120"
    ),
    "sklearn-joined": lambda: sklearn("LinearSVC, words 1-2 of the joined text", "joined"),
    "sklearn-columns": lambda: sklearn("LinearSVC, per column, + char 3-5", "columns"),
    "sklearn-everything": lambda: sklearn("LinearSVC, per column, + char 2-5, + one-hot", "everything"),
}
for row in wanted or every:
    try:
        every[row]()
    except (ImportError, FileNotFoundError, subprocess.CalledProcessError) as error:
        print(json.dumps({"name": row, "skipped": str(error).replace(os.sep, "/")[:200]}), flush=True)
