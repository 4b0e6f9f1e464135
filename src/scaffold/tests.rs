//! Whole projects: what is written for them, and that whatever lies in a project leads to a configuration that is one.

use proptest::prelude::*;

use super::*;
use crate::distribution::Catalogue;

const TODAY: &str = "2026-11-21";

fn proposal(files: &[(&str, &str)], distributions: &[&str]) -> Proposal {
    let catalogue = Catalogue::embedded().unwrap();
    let distributions = distributions.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let surroundings = Surroundings { catalogue: &catalogue, distributions: &distributions, today: TODAY };
    propose(&Tree::of("shop", files.iter().copied()), &surroundings).unwrap()
}

/// The text, which has to be a configuration of a project with these files.
fn written(files: &[(&str, &str)], distributions: &[&str]) -> String {
    let text = text(&proposal(files, distributions)).unwrap();
    check(files, &text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    text
}

fn check(files: &[(&str, &str)], text: &str) -> Result<(), Error> {
    let directory = tempfile::tempdir().unwrap();
    for (path, content) in files {
        let path = directory.path().join(path);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, content).unwrap();
    }
    write(directory.path(), &directory.path().join("omnipack.toml"), text, Existing::Kept)
}

/// A platform's project: modules, requirements, a Procfile, and a Dockerfile that says something else.
const PLATFORM: [(&str, &str); 5] = [
    ("requirements.txt", "Flask==3.0.3\ngunicorn==23.0.0\ncelery==5.4.0\n"),
    (
        "Procfile",
        "web: gunicorn app:app --bind 0.0.0.0:$PORT\nworker: celery -A app.tasks worker 2>&1 | logger\n\
         clock: python clock.py\nrelease: flask db upgrade\nother: ./run.sh && exit\n",
    ),
    (
        "Dockerfile",
        "FROM python:3.12\nRUN apt-get install -y libpq5 gcc\nENV MODE=\"a \\\"b\\\"\" TOKEN=x\nCMD [\"gunicorn\", \"-b\", \":80\", \"app:app\"]\n",
    ),
    ("app.py", "app = Flask(__name__)\n"),
    ("clock.py", ""),
];

/// A project that has been packaged before.
const PACKAGED: [(&str, &str); 9] = [
    (
        "pyproject.toml",
        "[project]\nname = \"shop\"\nversion = \"1\"\nrequires-python = \">=3.10\"\ndependencies = [\"uvicorn\"]\n\
         [project.scripts]\nshop = \"shop.cli:main\"\nshop-worker = \"shop.worker:main\"\n",
    ),
    ("shop/__init__.py", ""),
    (
        "debian/control",
        "Source: shop\nSection: web\nMaintainer: Ada <ada@example.org>\n\nPackage: shop-server\nDepends: redis-server\nDescription: x\n",
    ),
    ("debian/rules", "%:\n\tdh $@ --with python-virtualenv\n"),
    ("debian/shop-server.install", "etc/shop.conf etc/shop\n"),
    ("etc/shop.conf", "[shop]\n"),
    (
        "packaging/shop.service",
        "[Unit]\nAfter=redis.service\n[Service]\nUser=www-data\nEnvironmentFile=-/etc/default/shop\nEnvironment=\"A=x y\"\n\
         ExecStart=/opt/venvs/shop-server/bin/uvicorn shop:app --port 8000\nLimitNOFILE=4096\nOOMScoreAdjust=1\n",
    ),
    ("shop.spec", "Name: python-shop\nRequires: redis >= 6\nVersion: 1\n%post\nldconfig\n%files\n"),
    ("Makefile", "deb:\n\tfpm -s virtualenv -t deb -n shop --depends libpq5 --after-install p.sh .\n"),
];

#[test]
fn a_project_of_a_platform_is_written() {
    insta::assert_snapshot!(written(&PLATFORM, &[]));
}

#[test]
fn a_project_that_was_packaged_before_is_written() {
    insta::assert_snapshot!(written(&PACKAGED, &["rocky-9", "debian-12"]));
}

#[test]
fn a_django_project_is_written() {
    let files = [
        ("manage.py", "os.environ.setdefault(\"DJANGO_SETTINGS_MODULE\", \"shop.settings\")\n"),
        ("shop/__init__.py", ""),
        ("shop/settings.py", "CELERY_BEAT_SCHEDULE = {}\n"),
        ("shop/wsgi.py", "application = get_wsgi_application()\n"),
        ("shop/celery.py", "app = Celery('shop')\n"),
        (
            "setup.py",
            "setup(name='Shop_Django', packages=['shop'], install_requires=['django', 'celery'], extras_require={'prod': ['gunicorn']})\n",
        ),
    ];
    insta::assert_snapshot!(written(&files, &["debian-13"]));
}

#[test]
fn nothing_but_modules_is_enough() {
    let text = written(&[("tool.py", "")], &["debian-13"]);
    assert!(text.contains("[package]\nname = \"shop\"\n") && !text.contains("[[service]]"), "{text}");
}

#[test]
fn the_trusted_source_wins_and_the_other_is_named() {
    let proposal = proposal(&PLATFORM, &[]);
    let web = proposal.services.iter().find(|service| service.name == "web").unwrap();
    assert_eq!(web.command, "gunicorn app:app --bind 0.0.0.0:8000");
    assert!(
        web.comments.iter().any(|line| line == "Dockerfile, line 4 has `gunicorn -b :80 app:app`"),
        "{:?}",
        web.comments
    );
}

#[test]
fn another_name_and_account_go_through_all() {
    let mut proposal = proposal(&PACKAGED, &["debian-12"]);
    proposal.rename("store");
    assert!(proposal.services.iter().all(|service| service.user == "store"), "{:?}", proposal.services);
    proposal.set_account("clerk");
    let text = text(&proposal).unwrap();
    assert!(
        text.contains("name = \"store\"")
            && text.contains("user = \"clerk\"")
            && text.contains("[[user]]\nname = \"clerk\""),
        "{text}"
    );
}

#[test]
fn secrets_have_a_place_to_go() {
    let files = [
        ("requirements.txt", "gunicorn\n"),
        ("app.py", ""),
        ("Procfile", "web: gunicorn app:app\n"),
        (
            "Dockerfile",
            "FROM a\nENV MODE=pro DATABASE_URL=postgres://shop:hunter2@db/shop\nCMD [\"gunicorn\", \"app:app\"]\n",
        ),
    ];
    let text = written(&files, &["debian-12"]);
    assert!(text.contains("environment = { MODE = \"pro\" }\n"), "{text}");
    assert!(text.contains("# environment-file = \"/etc/shop/web.env\"\n") && !text.contains("hunter2"), "{text}");
    let mut proposal = proposal(&files, &["debian-12"]);
    assert_eq!(proposal.services[0].secrets, ["DATABASE_URL"]);
    proposal.set_account("root");
    assert_eq!(proposal.services[0].settings, [], "no package makes a home for root");
}

#[test]
fn what_a_unit_runs_is_not_guessed_again() {
    let files = [
        ("pyproject.toml", "[project]\nname = \"shop\"\n[project.scripts]\nshop-agent = \"shop:main\"\n"),
        ("shop/__init__.py", ""),
        ("shop.service", "[Service]\nUser=shop\nPIDFile=/run/shop.pid\nExecStart=/usr/bin/shop-agent\n"),
    ];
    let proposal = proposal(&files, &["debian-12"]);
    assert_eq!(proposal.services.len(), 1, "{:?}", proposal.services);
    assert_eq!(proposal.notes[0].what, "PIDFile=/run/shop.pid");
}

#[test]
fn what_debian_needs_for_building_is_a_line_to_take() {
    let control = "Source: shop\nBuild-Depends: debhelper (>= 9), python3-all, libpcap-dev (>= 1)\n\nPackage: shop\n";
    let files = [("app.py", ""), ("debian/control", control), ("debian/shop.cron.d", "* * * * * root x\n")];
    let text = written(&files, &["debian-12"]);
    assert!(text.contains("# [deb]\n# build-requires = [\"libpcap-dev (>= 1)\"]\n"), "{text}");
    assert!(text.contains("debian/shop.cron.d: a job of cron"), "{text}");
}

/// Pieces of what is read.
const PARTS: [&str; 60] = [
    "web: ",
    "worker:",
    "release: x\n",
    "gunicorn a:b ",
    "celery -A x worker ",
    "python a.py ",
    "\"",
    "'",
    "\\",
    "\\\n",
    "\n",
    "\n",
    "\"\"\"",
    "[[service]]\n",
    "name = ",
    "# ",
    "]",
    "${PORT",
    "${PORT:-1}",
    "$PORT",
    "$(id)",
    "`",
    " && ",
    " | ",
    " > x",
    ";",
    "%i",
    "%%",
    "CMD ",
    "ENTRYPOINT [\"gunicorn\", \"\\u0007\"]\n",
    "ENV A=\"b\" C=d\n",
    "USER ",
    "EXPOSE 80\n",
    "FROM a\n",
    "RUN apt-get install -y libpq5 \"x\n",
    "ExecStart=/usr/bin/gunicorn ",
    "User=",
    "Environment=",
    "EnvironmentFile=-/etc/",
    "After=a.service ",
    "Restart=always\n",
    "LimitNOFILE=9223372036854775807\n",
    "Name: ",
    "Requires: a >= 1, b\n",
    "%post\n",
    "%config /etc/a.py\n",
    "Package: ",
    "Depends: x (>= 1)\n",
    "fpm -s dir -t deb -n ",
    "a.py=/etc/../x ",
    "--depends ",
    "\u{85}",
    "\u{1b}[31m",
    "\u{2028}",
    "\u{0}",
    "\r",
    "\t",
    "é",
    "setup(name='",
    "entry_points={'console_scripts': ['a-web = b:c']}",
];

/// What people may have written, and what they better had not.
fn hostile() -> impl Strategy<Value = String> {
    let part = prop_oneof![4 => prop::sample::select(&PARTS[..]).prop_map(str::to_owned), 1 => ".{0,6}"];
    prop::collection::vec(part, 0..24).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]
    #[test]
    fn whatever_lies_there_leads_to_a_configuration(texts in prop::collection::vec(hostile(), 10)) {
        const PATHS: [&str; 10] = [
            "Procfile", "Dockerfile", "packaging/shop-web.service", "shop.spec", "debian/control", "debian/shop.install", "Makefile", "setup.py",
            "supervisor.conf", "debian/shop.init",
        ];
        let mut files = PATHS.into_iter().zip(texts.iter().map(String::as_str)).collect::<Vec<_>>();
        files.extend([("requirements.txt", "gunicorn\ncelery\nflask\n"), ("a.py", "a = Flask(x)\n"), ("x.py", "")]);
        let first = text(&proposal(&files, &["rocky-9", "debian-12"])).unwrap();
        let checked = check(&files, &first);
        prop_assert!(checked.is_ok(), "{}\n{first}", checked.unwrap_err());
        files.push(("omnipack.toml", &first));
        prop_assert_eq!(text(&proposal(&files, &["rocky-9", "debian-12"])).unwrap(), first.clone());
    }
}
