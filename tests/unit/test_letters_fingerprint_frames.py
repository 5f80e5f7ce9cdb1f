"""Tracebacks as they look on different machines: which calls are the application's own, and what they are called."""

from __future__ import annotations

import pytest

from agents.deadletters.fingerprint import Died, Formed, form

PYTHON = """Traceback (most recent call last):
  File "{libs}/postroom/runtime/house.py", line {n}, in call
    return found
  File "{home}/pay/agent.py", line 4{n}, in handle
    lines = [read(each) for each in rows]
{comprehension}  File "{home}/pay/lines.py", line 1{n}, in read
    return json.loads(text)
  File "{python}/json/decoder.py", line {n}55, in decode
    raise
pay.errors.LineError: line {n} is none
"""
HOSTS = [
    {
        "libs": "/usr/lib/python3.11/site-packages",
        "home": "/srv/app",
        "python": "/usr/lib/python3.11",
        "n": 1,
    },
    {
        "libs": "/home/x/.pyenv/versions/3.12.1/lib/python3.12/site-packages",
        "home": "/usr/lib/acme",
        "python": "/usr/lib64/python3.12",
        "n": 2,
    },
    {"libs": "C:/venv/Lib/site-packages", "home": r"C:\srv", "python": r"C:\Python312\Lib", "n": 3},
    {"libs": "/home/x/postroom/sdk", "home": "/srv/postroom", "python": "/opt/conda/lib/python3.12", "n": 4},
    {
        "libs": "/opt/venv/lib/python3.12/site-packages",
        "home": "/opt/venv/lib/python3.12/site-packages",
        "python": "/usr/local/lib/python3.12",
        "n": 5,
    },
]
JAVA = [
    """java.lang.IllegalStateException: Cannot book 1
\tat com.acme.Booker.lambda$book$0(Booker.java:12)
\tat java.base/java.util.ArrayList.forEach(ArrayList.java:1511)
\tat com.acme.Booker.book(Booker.java:9)
\tat com.acme.Booker$$SpringCGLIB$$0.book(<generated>)
\tat com.acme.Worker$handle$2.invokeSuspend(Worker.kt:31)
\tat com.acme.Worker.handle(Worker.kt:30)
\tat com.acme.AppKt.main(App.kt)
\tSuppressed: java.io.IOException: cannot close
\t\tat com.acme.Pool.close(Pool.java:9)
\t\tCaused by: java.net.SocketException: reset
\t\t... 3 more
Caused by: java.sql.SQLException: closed
\tat com.acme.Repo.save(Repo.java:9)
\t... 23 more
""",
    """Exception in thread "w-2" java.util.concurrent.ExecutionException: java.lang.IllegalStateException: Cannot book 2
\tat java.base/java.util.concurrent.FutureTask.report(FutureTask.java:122)
Caused by: java.lang.IllegalStateException: Cannot book 2
\tat app//com.acme.Booker.lambda$book$3(Booker.java:14) ~[booker-2.1.jar:2.1]
\tat java.util.ArrayList.forEach(ArrayList.java:1257) [?:?]
\tat com.acme.Booker.book(Booker.java:10) ~[booker-2.1.jar:2.1]
\tat com.acme.Booker$$FastClassBySpringCGLIB$$a1b2c3.invoke(<generated>)
\tat com.acme.Worker$$Lambda/0x00007f1c.accept(Unknown Source)
\tat jdk.proxy2/jdk.proxy2.$Proxy33.handle(Unknown Source)
\tat com.acme.Worker$handle$3.invokeSuspend(Worker.kt:33)
\tat com.acme.Worker.handle(Worker.kt:32)
Caused by: java.sql.SQLException: closed
\tat com.acme.Repo.save(Repo.java:11)
\t... 19 common frames omitted
""",
]
GO = [
    """panic: order 7 has no lines [recovered]
\tpanic: order 7 has no lines
[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x1]

goroutine 34 [running]:
panic({0x9cca33, 0xce80})
\t/usr/local/go/src/runtime/panic.go:884 +0x213
acme/pay.(*Worker).handle.func1(...)
\t/go/src/acme/pay/worker.go:33
acme/pay.Map[...](0xc0)
\t/go/src/acme/pay/map.go:9 +0x1
github.com/acme/queue.(*Consumer).deliver(0xc0)
\t/root/go/pkg/mod/github.com/acme/queue@v1.6.0/consumer.go:104 +0x1
net/http.(*conn).serve(0xc0)
\t/usr/local/go/src/net/http/server.go:2009 +0x1
created by acme/pay.start in goroutine 1
\t/go/src/acme/pay/main.go:12 +0x1

goroutine 18 [select]:
acme/pay.(*Other).wait(0xc0)
\t/go/src/acme/pay/other.go:12 +0x1
""",
    """panic: order 9 has no lines

goroutine 7 [running]:
panic({0x1, 0x2})
\truntime/panic.go:890 +0x2
acme/pay.(*Worker).handle.func2(0xc0, {0x1, 0x2})
\tacme/pay/worker.go:35 +0x3
acme/pay.Map[go.shape.int](0xc0)
\tacme/pay/map.go:9 +0x1
github.com/acme/queue.(*Consumer).deliver(0xc0)
\tgithub.com/acme/queue@v1.7.0/consumer.go:110 +0x2
net/http.(*conn).serve(0xc0)
\tnet/http/server.go:2019 +0x1
""",
    """panic: order 12 has no lines

goroutine 7 [running]:
panic({0x1, 0x2})
\t/nix/store/abc-go-1.22.4/share/go/src/runtime/panic.go:890 +0x2
acme/pay.(*Worker).handle.func2(0xc0, {0x1, 0x2})
\t/home/ci/my work/pay/worker.go:35 +0x3
acme/pay.Map[...](0xc0)
\t/home/ci/my work/pay/map.go:9 +0x1
github.com/acme/queue.(*Consumer).deliver(0xc0)
\t/home/ci/my work/pay/vendor/github.com/acme/queue/consumer.go:110 +0x2
""",
]
JAVASCRIPT = [
    """TypeError: total is not a function
    at sum (/app/dist/order.js:3:22)
    at Array.map (<anonymous>)
    at async Worker.handle (/app/dist/worker.js:9:1)
    at async Promise.all (index 0)
    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)
    at async Consumer.deliver (/app/node_modules/@acme/queue/lib/consumer.js:214:9)
""",
    """TypeError: total is not a function
    at Object.sum (webpack://app/./src/order.ts?4f3a:13:22)
    at _Worker.handle (webpack-internal:///./src/worker.ts:19:1)
    at Generator.next (<anonymous>)
    at fulfilled (/app/dist/main.4f3a2b1c.js:5:58)
    at runMicrotasks (<anonymous>)
""",
    r"""TypeError: total is not a function
    at exports.sum (C:\Program Files (x86)\acme\dist\order.min.js:3:22)
    at async Worker.handle [as run] (file:///C:/acme/dist/worker-BsX2k1Lp.mjs:9:1)
    at async file:///C:/acme/node_modules/.pnpm/x@1/node_modules/x/index.mjs:9:1
""",
]
NET = [
    """System.FormatException: The input string '1' was not in a correct format.
   at Acme.Totals.Parse(String text) in /_/src/Totals.cs:line 41
   at Acme.Summary.<>c__DisplayClass7_0.<Sum>b__1(Row row) in C:\\src\\Summary.cs:line 66
   at Acme.Summary.<Sum>g__Add|4_0[T](T row)
   at Acme.Summary.<HandleAsync>d__4`1.MoveNext() in /src/Summary.cs:line 64
--- End of stack trace from previous location ---
   at System.Threading.Tasks.Task.Wait()
   at Program.<Main>$(String[] args)
""",
    """System.AggregateException: One or more errors occurred. (The input string '2' was not in a correct format.)
 ---> System.FormatException: The input string '2' was not in a correct format.
   at Acme.Totals.Parse(String text)
   at Acme.Summary.<>c.<Sum>b__9_0(Row row)
   at Acme.Summary.<Sum>g__Add|7_0(Row row)
   at Acme.Summary.HandleAsync[T](Message message)
   --- End of inner exception stack trace ---
""",
]
RUBY = [
    """/srv/app/lib/pay/order.rb:12:in `block in total': undefined method `sum' for nil:NilClass (NoMethodError)
\tfrom /usr/local/bundle/gems/activesupport-7.0/lib/x.rb:9:in `each'
\tfrom /srv/app/lib/pay/worker.rb:3:in `handle'
\tfrom /srv/app/bin/run:3:in `<main>'
""",
    """/app/lib/pay/order.rb:13:in 'block in Pay::Order#total': undefined method 'sum' for nil (NoMethodError)
\tfrom <internal:array>:42:in 'Array#each'
\tfrom /app/lib/pay/worker.rb:4:in 'Pay::Worker.handle'
""",
]
PHP = [
    """PHP Fatal error:  Uncaught App\\OrderError: no lines in /var/www/app/src/Order.php:12
Stack trace:
#0 /var/www/app/src/Worker.php(33): App\\Order->total(Object(App\\Row), 5)
#1 [internal function]: App\\Worker->{closure}(5)
#2 /var/www/app/vendor/acme/queue/Consumer.php(9): call_user_func(Object(Closure))
#3 {main}
  thrown in /var/www/app/src/Order.php on line 12
""",
    """App\\OrderError: no lines in /srv/my app/src/Order.php:14
Stack trace:
#0 /srv/my app/src/Worker.php(35): App\\Order->total()
#1 /srv/my app/vendor/acme/queue/Consumer.php(11): App\\Worker->{closure:App\\Worker::run():7}(5)
#2 {main}
""",
]
ELIXIR = [
    """** (ArgumentError) errors were found at the given arguments:

  * 1st argument: not a textual representation of an integer

    :erlang.binary_to_integer("12,5")
    (pay 0.1.0) lib/pay/order.ex:12: Pay.Order.total/2
    (elixir 1.15.4) lib/enum.ex:1693: Enum."-map/2-lists^map/1-0-"/2
    (pay 0.1.0) lib/pay/worker.ex:9: anonymous fn/1 in Pay.Worker.handle/1
    (stdlib 5.0) gen_server.erl:1113: :gen_server.try_handle_call/4
""",
    """** (ArgumentError) errors were found at the given arguments:

  * 1st argument: not a textual representation of an integer

    :erlang.binary_to_integer("n/a")
    (pay 0.2.0) lib/pay/order.ex:13: Pay.Order.total/2
    (pay 0.2.0) lib/pay/worker.ex:10: Pay.Worker.handle/1
    (broadway 1.0.7) lib/broadway/x.ex:9: Broadway.X.handle/2
""",
]
RUST = [
    """thread 'main' panicked at src/order.rs:12:9:
order 7 has no lines
stack backtrace:
   0: rust_begin_unwind
             at /rustc/9fc6b43126469e3858e2fe86cafb4f0fd5068869/library/std/src/panicking.rs:665:5
   1: core::panicking::panic_fmt
             at /rustc/9fc6/library/core/src/panicking.rs:76:14
   2: pay::order::Order::total
             at ./src/order.rs:12:9
   3: <pay::worker::Worker as pay::Handler>::handle::{{closure}}
             at ./src/worker.rs:33:9
   4: tokio::runtime::task::raw::poll
             at /root/.cargo/registry/src/index.crates.io-6f17d22bba15001f/tokio-1.32/src/x.rs:9:1
   5: pay::main
note: Some details are omitted
""",
    """thread 'tokio-runtime-worker' panicked at /src/src/order.rs:14:9:
order 9 has no lines
stack backtrace:
   0: rust_begin_unwind
   1: core::panicking::panic_fmt
   2: pay::order::Order::total::h0123456789abcdef
   3: <pay::worker::Worker as pay::Handler>::handle::{{closure}}::h0123456789abcde0
   4: tokio::runtime::task::raw::poll
""",
]


def of(traceback: str) -> Formed:
    return form(Died("pay", "exception", traceback=traceback))


def python(host: dict[str, object], comprehension: str = "") -> str:
    return PYTHON.format(comprehension=comprehension, **host)


@pytest.mark.parametrize("host", HOSTS)
def test_python_on_any_host__its_own_calls(host: dict[str, object]) -> None:
    found = of(python(host))
    assert found.frames == ("agent:handle", "lines:read")
    assert found.fingerprint == of(python(HOSTS[0])).fingerprint


def test_comprehension__no_call_in_later_versions() -> None:
    older = f'  File "{HOSTS[0]["home"]}/pay/agent.py", line 41, in <listcomp>\n    read\n'
    assert of(python(HOSTS[0], older)).fingerprint == of(python(HOSTS[0])).fingerprint


def test_application_among_libraries_under_another_name__what_our_library_calls() -> None:
    libs = "/opt/venv/lib/python3.12/site-packages"
    found = form(Died("billing", "exception", traceback=python({**HOSTS[4], "libs": libs, "home": libs})))
    elsewhere = form(Died("billing", "exception", traceback=python(HOSTS[0])))
    assert found.frames == elsewhere.frames == ("agent:handle", "lines:read")


@pytest.mark.parametrize(
    "where", ["/srv/postroom/sdk/postroom/runtime/house.py", "/src/postroom/delivery/redis/qos.py"]
)
def test_our_own_library__never_the_applications(where: str) -> None:
    assert (
        of(f'Traceback (most recent call last):\n  File "{where}", line 3, in call\nValueError: x').frames
        == ()
    )


@pytest.mark.parametrize(
    ("tracebacks", "frames"),
    [
        (JAVA, ("com.acme.Booker.book", "com.acme.Worker.handle", "com.acme.Repo.save")),
        (GO, ("worker:acme/pay.Worker.handle", "map:acme/pay.Map")),
        (JAVASCRIPT, ("sum", "Worker.handle")),
        (NET, ("Acme.Totals.Parse", "Acme.Summary.Sum", "Acme.Summary.Sum.Add", "Acme.Summary.HandleAsync")),
        (RUBY, ("order:total", "worker:handle")),
        (PHP, ("Worker:App\\Order->total",)),
        (ELIXIR, ("order:Pay.Order.total/2", "worker:Pay.Worker.handle/1")),
        (RUST, ("pay::order::Order::total", "pay::worker::Worker::handle")),
    ],
    ids=["java", "go", "javascript", "net", "ruby", "php", "elixir", "rust"],
)
def test_calls_on_any_host__those_of_the_source(tracebacks: list[str], frames: tuple[str, ...]) -> None:
    assert [of(each).frames for each in tracebacks] == [frames] * len(tracebacks)


@pytest.mark.parametrize(
    "tracebacks",
    [JAVA, GO, JAVASCRIPT, NET, RUBY, PHP, ELIXIR, RUST],
    ids=["java", "go", "javascript", "net", "ruby", "php", "elixir", "rust"],
)
def test_same_fault_on_any_host__the_same(tracebacks: list[str]) -> None:
    assert len({of(each).fingerprint for each in tracebacks}) == 1, [of(each).raised for each in tracebacks]


def test_shortened_names__only_the_bundle_tells() -> None:
    one = "Error: no\n    at t (/app/main.4f3a2b1c.js:1:2044)\n    at e.handle (/app/main.4f3a2b1c.js:1:99)"
    other = "Error: no\n    at a (/srv/main.99aa01bb.js:1:1944)\n    at s.handle (/srv/main.99aa01bb.js:1:98)"
    assert of(one) == of(other)


def test_agent_in_the_cache_of_modules__its_own() -> None:
    call = "github.com/acme/pay.Run(0x1)\n\t{}/github.com/acme/pay@v1.2.3/run.go:9 +0x1"
    trace = f"panic: no\n\ngoroutine 1 [running]:\n{call}"
    assert of(trace.format("/root/go/pkg/mod")).frames == ("run:github.com/acme/pay.Run",)


def test_rust_causes__each_below_the_other() -> None:
    found = of(
        "Error: cannot book\n\nCaused by:\n    0: cannot connect\n    1: Connection refused (os error 111)\n"
    )
    assert [each.message for each in found.raised] == [
        "cannot book",
        "cannot connect",
        "[Errno ECONNREFUSED]",
    ]


def test_where_a_program_begins__only_if_it_fails_there() -> None:
    begins = 'Traceback (most recent call last):\n  File "/srv/run.py", line 3, in <module>\n'
    assert of(begins + "ValueError: x").frames == ("run:<module>",)
    assert of(begins + '  File "/srv/pay.py", line 3, in pay\nValueError: x').frames == ("pay:pay",)


def test_numbered_functions_and_files__apart() -> None:
    trace = "panic: no\n\ngoroutine 1 [running]:\nmain.step{0}(0x1)\n\t/src/step{0}.go:9 +0x1"
    assert of(trace.format(1)) != of(trace.format(2))
    trace = "Error: no\n    at handle (/app/step{0}.js:1:2)"
    assert of(trace.format(1)) != of(trace.format(2))


def test_message_with_empty_lines__one_exception() -> None:
    said = 'Traceback (most recent call last):\n  File "/srv/a.py", line 3, in a\nerrors.Invalid: bad\n\nFailing: x\n'
    assert [each.type for each in of(said).raised] == ["Invalid"]


def test_go_panic_that_was_caught__what_tidied_up_is_not_on_the_way() -> None:
    call = "shop/till.(*Till).Ring({0x1})\n\t/srv/till/till.go:31 +0x1d"
    deferred = "shop/agent.(*Agent).save()\n\t/srv/agent/agent.go:88 +0x65"
    inside = "panic({0x5f, 0x61})\n\t/usr/local/go/src/runtime/panic.go:770 +0x132"
    plain = f"panic: no drawer\n\ngoroutine 7 [running]:\n{call}"
    caught = f"panic: no drawer\n\ngoroutine 7 [running]:\n{deferred}\n{inside}\n{call}"
    assert of(plain).frames == of(caught).frames == ("till:shop/till.Till.Ring",)


def test_rust_glue_between_two_types__no_call_of_the_application() -> None:
    glue = "  1: <acme::Order as core::convert::Into<acme::Row>>::into"
    calls = ["stack backtrace:", "  0: acme::store::keep", glue, "  2: acme::main_loop"]
    assert of("\n".join(calls)).frames == ("acme::store::keep", "acme::main_loop")
