"""Programs in sixteen languages, written for these sets; each template is a small program with its names, numbers and texts drawn."""

from core import Grammar

LISTS = {
    "thing": "order invoice user session ticket sensor packet recipe song photo account shipment booking message review sample record device player route".split(),
    "Thing": "Order Invoice User Session Ticket Sensor Packet Recipe Song Photo Account Shipment Booking Message Review Sample Record Device Player Route".split(),
    "field": "price weight score duration balance rating distance age size priority level total volume height speed".split(),
    "text": "name title label city status owner category colour address email currency country".split(),
    "verb": "load parse merge update check send store filter sort count fetch validate split build remove".split(),
    "Verb": "Load Parse Merge Update Check Send Store Filter Sort Count Fetch Validate Split Build Remove".split(),
    "var": "result value item current entry data output total buffer row node best".split(),
    "file": "config.json data.csv notes.txt settings.ini access.log prices.tsv words.txt points.dat index.html users.db".split(),
    "small": [str(n) for n in range(2, 20)],
    "number": [str(n) for n in (10, 12, 16, 20, 24, 25, 32, 50, 60, 64, 80, 100, 120, 128, 200, 250, 256, 300, 365, 400, 500, 512, 1000, 1024, 1500, 2048, 3600, 4096)],
    "decimal": ["0.5", "0.1", "0.01", "1.5", "2.75", "0.25", "3.14", "0.001", "9.81", "1e-6", "0.9", "0.05"],
    "word": "apple river stone lamp yellow garden winter copper silver paper market bridge violet harbour forest candle".split(),
    "word2": "red blue north south open closed ready busy small large early late fresh quiet".split(),
    "person": "Anna Bruno Carla Dmitri Elif Farid Greta Hugo Ines Jonas Keiko Lena".split(),
    "city": "Lisbon Oslo Nairobi Lima Kyoto Tunis Prague Quito Hanoi Perth".split(),
    "remark": [
        "keep the newest first", "nothing to do for an empty list", "the server counts from zero", "avoid a second look-up", "stop early when nothing changed",
        "the caller holds the lock", "ties go to the older one", "skip the header line", "values are in seconds", "round to two places", "this runs once a day", "order matters here",
    ],
    "doc": [
        "Return the «thing» with the highest «field».", "Read one «thing» after another.", "Compute the mean «field» of all «thing»s.", "Keep only what is valid.",
        "Find the «thing» that comes next.", "Check that the «text» is not empty.", "Convert the «field» to a plain number.", "Group by «text» and count.",
    ],
    "table": "orders invoices users sessions tickets sensors songs photos accounts shipments bookings reviews players routes".split(),
    "error": ["missing «text»", "no such «thing»", "«field» must be positive", "invalid «text»", "too many «thing»s", "timed out", "«field» out of range"],
}

PYTHON = {
    "py-function-mean": 'def mean_«field#1»(«thing#2»s):\n    """«doc»"""\n    values = [«thing#2».«field#1» for «thing#2» in «thing#2»s]\n    if not values:\n        return «0.0|None»\n    return sum(values) / len(values)',
    "py-read-csv": 'import csv\n\nwith open("«file»", newline="") as f:\n    rows = list(csv.DictReader(f))\n\ntotal = 0\nfor row in rows:\n    if row["«text»"] «==|!=» "«word»":\n        total += «float|int»(row["«field»"])\nprint("«field|total|sum»:", total)',
    "py-dataclass": 'from dataclasses import dataclass\n\n\n@dataclass«|(frozen=True)|(order=True)»\nclass «Thing»:\n    «text#1»: str\n    «field#2»: float = «decimal»\n\n    def is_«word2»(self):\n        return self.«field#2» «>|>=|<» «number»',
    "py-class": 'class «Thing»«Store|List|Queue|Cache»:\n    def __init__(self, limit=«number»):\n        self.limit = limit\n        self._«thing#1»s = []\n\n    def add(self, «thing#1»):\n        if len(self._«thing#1»s) >= self.limit:\n            raise «ValueError|RuntimeError|OverflowError»("«error»")\n        self._«thing#1»s.append(«thing#1»)',
    "py-comprehension": '«word2» = {«thing#1».«text»: «thing#1».«field» for «thing#1» in «thing#1»s if «thing#1».«field» > «number»}\nfor «text#2», value in sorted(«word2».items(), key=lambda pair: pair[1])«|[:«small»]|[::-1]»:\n    print(f"{«text#2»:>«small»} {value:.«small»f}")',
    "py-argparse": 'import argparse\n\nparser = argparse.ArgumentParser(description="«doc»")\nparser.add_argument("«thing|file|path»")\nparser.add_argument("--«field#1»", type=«int|float», default=«number»)\nparser.add_argument("--«word2»", action="store_true")\nargs = parser.parse_args()\nprint(args.«field#1»)',
    "py-generator": 'def «verb»_«thing#1»s(lines):\n    # «remark»\n    for number, line in enumerate(lines, start=«0|1»):\n        line = line.«strip|rstrip»()\n        if not line or line.startswith("«#|//|;|--»"):\n            continue\n        «text#2», _, «field#3» = line.partition("«:|=|,»")\n        yield number, «text#2», «int|float»(«field#3»)',
    "py-numpy": 'import numpy as np\n\nrng = np.random.default_rng(«number»)\nx = rng.normal(size=(«number», «small»))\nw = rng.«normal|uniform»(size=«small»)\ny = x[:, :len(w)] @ w[: x.shape[1]] + «decimal»\nprint(np.«round|abs»(y.«mean|std|max»(), «small»))',
    "py-pandas": 'import pandas as pd\n\nframe = pd.read_csv("«file»")\nframe["«field#1»"] = frame["«field#1»"].fillna(«0|*number|*decimal»)\nsummary = frame.groupby("«text#2»")["«field#1»"].agg(["«mean|median»", "«count|max|min»"])\nprint(summary.sort_values("«count|mean|max»", ascending=«True|False»).head(«small»))',
    "py-async": 'import asyncio\n\n\nasync def «verb#1»_«thing#2»(client, «text#3»):\n    response = await client.get(f"/«table»/{«text#3»}")\n    return response.json()\n\n\nasync def main(client, names):\n    return await asyncio.gather(*(«verb#1»_«thing#2»(client, n) for n in names))',
    "py-try": 'try:\n    «var#1» = «int|float»(«text#2»)\nexcept «ValueError|TypeError» as error:\n    log.«warning|error|info»("«error»: %s", error)\n    «var#1» = «0|None|*number»\nelse:\n    seen.add(«text#2»)\nfinally:\n    «counter|attempts|steps» += 1',
    "py-unittest": 'import unittest\n\n\nclass «Verb»«Thing»Tests(unittest.TestCase):\n    def test_«word2»_«thing#1»(self):\n        «thing#1» = make_«thing#1»(«field»=«number»)\n        self.assertEqual(«thing#1».«text», "«word»")\n        self.assertTrue(«thing#1».is_«word2»())',
    "py-pytest": 'import pytest\n\n\n@pytest.mark.parametrize("«field#1», expected", [(«small», «number»), («number», «number»), (0, «0|None»)])\ndef test_«verb#2»_«thing»(«field#1», expected):\n    assert «verb#2»(«field#1») == expected',
    "py-fibonacci": 'def «fibonacci|steps|sequence»(n, a=«0|1|2», b=«1|3|*small»):\n    """«doc»"""\n    «values|out|found» = []\n    while len(«values|out|found») < n:\n        a, b = b, a + b\n        if a % «small» == 0:\n            print("«word2»", a)\n    return a',
    "py-binary-search": 'def «find|locate|search»_«thing»(«thing#1»s, «field#2»):\n    low, high = 0, len(«thing#1»s)\n    while low < high:\n        middle = (low + high) // 2\n        if «thing#1»s[middle].«field#2» < «field#2»:\n            low = middle + 1\n        else:\n            high = middle\n    return low«|, high| if low else None»',
    "py-flask": '@app.route("/«table#1»/<int:«thing#2»_id>", methods=["«GET|POST|DELETE|PUT»"])\ndef «verb»_«thing#2»(«thing#2»_id):\n    «thing#2» = db.get(«thing#2»_id)\n    if «thing#2» is None:\n        abort(404, "«error»")\n    return jsonify(«text»=«thing#2».«text», «field»=«thing#2».«field»)',
    "py-torch": 'import torch\nfrom torch import nn\n\nmodel = nn.Sequential(nn.Linear(«number#1», «number#2»), nn.«ReLU|GELU|Tanh»(), nn.Linear(«number#2», «small»))\noptimizer = torch.optim.«Adam|SGD|AdamW»(model.parameters(), lr=«decimal»)\nfor step in range(«number»):\n    loss = nn.functional.«cross_entropy|mse_loss»(model(x), y)\n    optimizer.zero_grad()\n    loss.backward()\n    optimizer.step()',
    "py-regex": 'import re\n\nPATTERN = re.compile(r"«^|»(?P<«text#1»>[A-Za-z]+)«\\s+|:|=|-»(\\d{«small»})")\n\n\ndef «verb»_line(line):\n    match = PATTERN.«match|search»(line)\n    return match.group("«text#1»") if match else «None|\"\"»',
    "py-counter": 'from collections import Counter\n\ncounts = Counter(«word#1».lower() for «word#1» in open("«file»").read().split())\nfor «word#1», n in counts.most_common(«small»):\n    if n > «number»:  # «remark»\n        print(n, «word#1»)',
    "py-decorator": 'import functools\n\n\ndef «retry|timed|cached|logged»(function):\n    @functools.wraps(function)\n    def wrapper(*args, **kwargs):\n        for attempt in range(«small»):\n            «var#1» = function(*args, **kwargs)\n            if «var#1» is not None:\n                return «var#1»\n        raise RuntimeError("«error»")\n    return wrapper',
    "py-property": 'class «Thing»:\n    @property\n    def «field#1»(self):\n        return self._«field#1»\n\n    @«field#1».setter\n    def «field#1»(self, value):\n        if value < «0|*small|*number»:\n            raise ValueError("«error»")\n        self._«field#1» = value',
    "py-sqlite": 'import sqlite3\n\nconnection = sqlite3.connect("«file»")\nrows = connection.execute("SELECT «text#1», «field#2» FROM «table» WHERE «field#2» > ?", («number»,))\nfor «text#1», «field#2» in rows:\n    print(«text#1».ljust(«small»), «field#2»)\nconnection.close()',
    "py-pathlib": 'from pathlib import Path\n\nfor path in sorted(Path("«table»").«glob|rglob»("*.«txt|csv|json|log|md»")):\n    if path.stat().st_size > «number»:\n        text = path.read_text(encoding="utf-8")\n        print(path.«name|stem», len(text.«split|splitlines»()))',
    "py-matrix": 'grid = [[«0|1|None»] * «small#1» for _ in range(«small#2»)]\nfor y in range(«small#2»):\n    for x in range(«small#1»):\n        if (x «+|*|^» y) % «small» == 0:\n            grid[y][x] = «number»\nprint("\\n".join("«| |,»".join(map(str, line)) for line in grid))',
    "py-main": 'if __name__ == "__main__":\n    «thing#1»s = «verb»_«thing#1»s("«file»")\n    print(len(«thing#1»s), "«thing#1»s")\n    for «thing#1» in «thing#1»s:\n        if not «thing#1».«text»:  # «remark»\n            continue\n        «verb»(«thing#1», «field»=«number»)',
    "py-context": 'from contextlib import contextmanager\n\n\n@contextmanager\ndef «word2#1»_«thing#2»(«text#3»):\n    «thing#2» = open_«thing#2»(«text#3», timeout=«number»)\n    try:\n        yield «thing#2»\n    finally:\n        «thing#2».close()  # «remark»',
}

OTHER = {
    "c-loop": ("C", '#include <stdio.h>\n\nint main(void) {\n    int «var#1» = 0;\n    for (int i = «0|1|*small»; i < «number»; i++) {\n        if (i % «small» == 0) «var#1» += i«| * i| * «small»»;\n    }\n    printf("«field»: %d\\n", «var#1»);\n    return 0;\n}'),
    "c-struct": ("C", 'typedef struct {\n    char «text»[«number»];\n    double «field#1»;\n} «Thing#2»;\n\nstatic double total_«field#1»(const «Thing#2» *items, size_t count) {\n    double sum = 0; /* «remark» */\n    while (count--) sum += items[count].«field#1»;\n    return sum;\n}'),
    "c-strings": ("C", 'char *«verb»_«text»(const char *source) {\n    size_t length = strlen(source);\n    char *copy = malloc(length + «1|2|*small»);\n    if (copy == NULL) return NULL; // «remark»\n    for (size_t i = 0; i < length; i++) copy[i] = «tolower|toupper»((unsigned char)source[i]);\n    copy[length] = \'\\0\';\n    return copy;\n}'),
    "c-file": ("C", 'FILE *file = fopen("«file»", "r«|b»");\nif (!file) {\n    perror("«file|thing»");\n    exit(«1|2|*small»);\n}\nchar line[«number»];\nwhile (fgets(line, sizeof line, file)) {\n    if (line[0] == \'#\') continue; /* «remark» */\n    fputs(line, std«out|err»);\n}\nfclose(file);'),
    "cpp-vector": ("C++", '#include <vector>\n#include <algorithm>\n\nstd::vector<«Thing#1»> «verb»(std::vector<«Thing#1»> «thing#2»s) {\n    std::sort(«thing#2»s.begin(), «thing#2»s.end(), [](const auto& a, const auto& b) {\n        return a.«field#3» «<|>» b.«field#3»;\n    });\n    if («thing#2»s.size() > «number#4») «thing#2»s.resize(«number#4»);\n    return «thing#2»s;\n}'),
    "cpp-template": ("C++", 'template <typename T>\nclass «Thing»«Pool|Cache|Stack» {\npublic:\n    void push(T «var#1») { items_.push_back(std::move(«var#1»)); }\n    bool full() const { return items_.size() >= «number»; } // «remark»\n\nprivate:\n    std::«deque|vector|list»<T> items_;\n};'),
    "cpp-map": ("C++", 'std::map<std::string, «int|double|long»> counts;\nfor (const auto& «word#1» : «word2»_words) {\n    ++counts[«word#1»];\n}\nfor (const auto& [key, value] : counts) {\n    if (value > «number») std::cout << key << "«: | = |\\t»" << value << "\\n";\n}'),
    "java-class": ("Java", 'public class «Thing#1» {\n    private final String «text#2»;\n    private «int|double|long» «field» = «number»;\n\n    public «Thing#1»(String «text#2») {\n        this.«text#2» = Objects.requireNonNull(«text#2», "«error»");\n    }\n}'),
    "java-stream": ("Java", 'List<String> «names|labels|titles|owners|emails#3» = «thing#1»s.stream()\n    .filter(«thing#2» -> «thing#2».get«Price|Weight|Score|Rating»() > «number»)\n    .map(«Thing»::getName)\n    .«sorted|distinct»()\n    .collect(Collectors.to«List|Set»());\nSystem.out.println("«word2»: " + «names|labels|titles|owners|emails#3».size());'),
    "java-main": ("Java", 'public static void main(String[] args) throws «IOException|Exception» {\n    int limit = args.length > 0 ? Integer.parseInt(args[0]) : «number»;\n    try (Scanner scanner = new Scanner(new File("«file»"))) {\n        while (scanner.hasNextLine() && limit-- > 0) {\n            «verb»(scanner.nextLine()); // «remark»\n        }\n    }\n}'),
    "js-fetch": ("JavaScript", 'async function «verb#1»«Thing»(id) {\n  const response = await fetch(`/api/«table»/${id}«|?«text»=«word»»`);\n  if (!response.ok) throw new Error("«error»");\n  const { «text#2», «field#3» } = await response.json();\n  return { «text#2», «field#3»: «field#3» «*|/|+» «number» };\n}'),
    "js-dom": ("JavaScript", 'const button = document.querySelector("#«verb»-«thing#1»");\nbutton.addEventListener("click", (event) => {\n  event.preventDefault();\n  const «field#2» = Number(document.getElementById("«field#2»").value);\n  if («field#2» > «number») {\n    alert("«error»");\n  }\n});'),
    "js-array": ("JavaScript", '// «remark»\nconst «word2#1» = «thing#2»s\n  .filter(({ «field#3» }) => «field#3» «>|>=|<» «number»)\n  .map((«thing#2») => ({ ...«thing#2», «text»: "«word»" }))\n  .reduce((sum, { «field#3» }) => sum + «field#3», 0);\nconsole.log("«field#3»", «word2#1»);'),
    "js-express": ("JavaScript", 'router.«get|post|put|delete»("/«table#1»/:id", async (req, res, next) => {\n  try {\n    const «thing#2» = await «Thing».findById(req.params.id);\n    if (!«thing#2») return res.status(404).json({ error: "«error»" });\n    res.json(«thing#2»);\n  } catch (error) {\n    next(error);\n  }\n});'),
    "ts-interface": ("TypeScript", 'export interface «Thing#1» {\n  id: number;\n  «text#2»: string;\n  «field#3»?: number;\n}\n\nexport const «verb»«Thing» = (items: «Thing#1»[]): «Thing#1»[] =>\n  items.filter((item) => (item.«field#3» ?? «number») > «small»);'),
    "ts-react": ("TypeScript", 'export function «Thing#1»«Card|Row|Badge»({ «text#2», «field#3» }: Props) {\n  const [open, setOpen] = useState(«true|false»);\n  return (\n    <div className="«thing»-«word2»" onClick={() => setOpen(!open)}>\n      <h«2|3|4»>{«text#2»}</h«2|3|4»>\n      {open && <span>{«field#3»} «kg|km|points|EUR»</span>}\n    </div>\n  );\n}'),
    "go-handler": ("Go", 'func «verb#1»«Thing»(w http.ResponseWriter, r *http.Request) {\n\t«thing#2», err := store.«Verb»(r.URL.Query().Get("«text»"))\n\tif err != nil {\n\t\thttp.Error(w, "«error»", «400|404|409|500|503»)\n\t\treturn\n\t}\n\tjson.NewEncoder(w).Encode(«thing#2»)\n}'),
    "go-channel": ("Go", 'func main() {\n\tjobs := make(chan int, «number»)\n\tvar wg sync.WaitGroup\n\tfor i := 0; i < «small»; i++ {\n\t\twg.Add(1)\n\t\tgo func() { // «remark»\n\t\t\tdefer wg.Done()\n\t\t\tfor j := range jobs {\n\t\t\t\tfmt.Println("«thing»", j*«small»)\n\t\t\t}\n\t\t}()\n\t}\n\twg.Wait()\n}'),
    "go-struct": ("Go", 'type «Thing#1» struct {\n\tID    int64  `json:"id"`\n\tName  string `json:"«text»"`\n\tValue float64 `json:"«field»«|,omitempty»"`\n}\n\nfunc (x *«Thing#1») Is«Open|Late|Valid|Ready»() bool {\n\treturn x.Value > «number»\n}'),
    "rust-match": ("Rust", 'fn «verb#1»(«text#2»: &str) -> Result<«f64|u32|i64», String> {\n    match «text#2».trim().parse() {\n        Ok(value) if value > «small».into() => Ok(value),\n        Ok(_) => Err("«error»".to_string()),\n        Err(error) => Err(format!("«error»: {error}")), // «remark»\n    }\n}'),
    "rust-impl": ("Rust", '#[derive(Debug, Clone«|, PartialEq|, Default»)]\npub struct «Thing#1» {\n    «text#2»: String,\n    «field#3»: f«32|64»,\n}\n\nimpl «Thing#1» {\n    pub fn is_«word2»(&self) -> bool {\n        self.«field#3» «>|>=|<» «number».0 && !self.«text#2».is_empty()\n    }\n}'),
    "rust-iter": ("Rust", 'let total: u64 = «thing#1»s\n    .iter()\n    .filter(|«thing#2»| «thing#2».«field» > «number»)\n    .map(|«thing#2»| «thing#2».«field» * «small»)\n    .«sum|max().unwrap_or(0)»;\nprintln!("«word2» «thing»s: {total}");'),
    "swift-struct": ("Swift", 'struct «Thing#1»: Codable«|, Hashable|, Sendable» {\n    let «text#2»: String\n    var «field#3»: Double = «decimal»\n\n    /// «doc»\n    func scaled(by factor: Double) -> «Thing#1» {\n        «Thing#1»(«text#2»: «text#2», «field#3»: «field#3» * factor)\n    }\n}'),
    "swift-guard": ("Swift", 'func «verb#1»(_ «text#2»: String?) throws -> «Int|Double» {\n    guard let «text#2», !«text#2».isEmpty else {\n        throw «Thing»Error.missing("«text#2»")\n    }\n    let parts = «text#2».split(separator: "«,|;|:| »")\n    return parts.count * «small» // «remark»\n}'),
    "swift-enum": ("Swift", 'enum «Thing»State {\n    case «word2#1», «word#2»\n    case failed(String)\n\n    var «field#3»: Int {\n        switch self {\n        case .«word2#1»: «small»\n        case .«word#2»: «number»\n        case .failed: 0\n        }\n    }\n}'),
    "ruby-class": ("Ruby", 'class «Thing#1»\n  attr_reader :«text#2», :«field#3»\n\n  def initialize(«text#2», «field#3» = «number»)\n    @«text#2» = «text#2»\n    @«field#3» = «field#3»\n  end\n\n  def «word2»?\n    @«field#3» > «number»\n  end\nend'),
    "ruby-each": ("Ruby", "«thing#1»s = File.readlines('«file»').map(&:chomp)\n«thing#1»s.each_with_index do |«thing#1», i|\n  next if «thing#1».empty? # «remark»\n  puts \"#{i + «1|*small»}: #{«thing#1».«upcase|capitalize|reverse»}\"\nend\nputs «thing#1»s.«size|first|last»"),
    "php-query": ("PHP", '<?php\n$statement = $pdo->prepare("SELECT * FROM «table» WHERE «text#1» = ? LIMIT «number»");\n$statement->execute([$_GET["«text#1»"] ?? "«word»"]);\nforeach ($statement as $«thing#2») {\n    echo htmlspecialchars($«thing#2»["«field»"]), "<br>\\n"; // «remark»\n}'),
    "php-class": ("PHP", 'final class «Thing#1»\n{\n    public function __construct(\n        private string $«text#2»,\n        private int $«field#3» = «number»,\n    ) {}\n\n    public function «verb»(): bool\n    {\n        return $this->«field#3» > «small» && $this->«text#2» !== "«*word|»";\n    }\n}'),
    "sql-select": ("SQL", 'SELECT «text#1», COUNT(*) AS n, «AVG|SUM|MAX»(«field#2») AS «field#2»\nFROM «table#3»\nWHERE «field#2» > «number» AND «text» IN (\'«word»\', \'«word»\')\nGROUP BY «text#1»\nHAVING COUNT(*) >= «small»\nORDER BY n DESC«| LIMIT «number»»;'),
    "sql-create": ("SQL", 'CREATE TABLE «table#1» (\n    id INTEGER PRIMARY KEY,\n    «text#2» VARCHAR(«number») NOT NULL,\n    «field#3» NUMERIC DEFAULT «decimal»\n);\nCREATE INDEX «table#1»_«field#3» ON «table#1» («field#3»);\nINSERT INTO «table#1» («text#2», «field#3») VALUES (\'«word»\', «number»);'),
    "sh-loop": ("Shell", '#!/bin/sh\nset -e\n# «remark»\nfor f in «table»/*.«txt|csv|log|json»; do\n    lines=$(wc -l < "$f")\n    if [ "$lines" -gt «number» ]; then\n        «gzip -9|rm -f|echo» "$f"\n    fi\ndone\necho "«word2»: $lines"'),
    "kotlin-data": ("Kotlin", 'data class «Thing#1»(val «text#2»: String, val «field#3»: Double = «decimal»)\n\nfun List<«Thing#1»>.«verb»(limit: Int = «number»): List<String> =\n    filter { it.«field#3» > «small» } // «remark»\n        .sortedBy { it.«field#3» }\n        .take(limit)\n        .map { it.«text#2» }'),
    "csharp-linq": ("C#", 'public record «Thing#1»(string «Verb», decimal «Thing»);\n\nvar «var#2» = «thing#3»s\n    .Where(x => x.Total > «number»m)\n    .OrderBy«|Descending»(x => x.Name)\n    .Take(«small»)\n    .ToList();\nConsole.WriteLine($"«word2»: {«var#2».Count}");'),
    "haskell-fold": ("Haskell", 'module «Thing#1» where\n\nimport Data.List («sortOn|foldl\'|nub»)\n\n-- | «doc»\n«verb#2» :: [(String, Int)] -> Int\n«verb#2» = foldr (\\(_, n) acc -> if n > «number» then n + acc else acc) «0|1|*small»\n\nmain :: IO ()\nmain = print («verb#2» [("«word»", «small»), ("«word»", «number»)])'),
    "css-rules": ("CSS", '.«thing#1»-«word2» {\n  display: «flex|grid|block|inline-block»;\n  padding: «small»px «small»px;\n  color: #«3a6|c04|19e|777|222»;\n}\n\n.«thing#1»-«word2»:hover > a {\n  opacity: «decimal»; /* «remark» */\n  transition: all «number»ms ease;\n}'),
    "make-rules": ("Make", '«CC = gcc|CC = clang|PREFIX = /usr/local»\nFLAGS = -O«1|2|3» -Wall\n\nall: «thing#1»\n\n«thing#1»: «thing#1».o «word».o\n\t$(CC) $(FLAGS) -o $@ $^ # «remark»\n\nclean:\n\trm -f *.o «thing#1»\n\n.PHONY: all clean'),
}


def grammar(rng):
    return Grammar(rng, LISTS, "«»")


def python_templates(label):
    return [(label, group, template) for group, template in PYTHON.items()]


def other_templates(label):
    return [(label, group, template) for group, (_, template) in OTHER.items()]
