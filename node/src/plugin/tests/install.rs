//! What is installed and what is refused, with words that say what it has and what is needed.

use std::fs;

use super::*;

/// The header of a component.
const COMPONENT: [u8; 8] = [0, b'a', b's', b'm', 0x0d, 0, 1, 0];

/// A section of a component: its id, its length, what is in it.
fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [&[id, u8::try_from(content.len()).unwrap()], content].concat()
}

/// A name in the binary format of components.
fn extern_name(name: &str) -> Vec<u8> {
    [&[0, u8::try_from(name.len()).unwrap()], name.as_bytes()].concat()
}

/// A component that exports an empty instance.
fn exporting(interface: &str) -> Vec<u8> {
    let instance = section(5, &[1, 1, 0]);
    let export = section(11, &[&[1][..], &extern_name(interface), &[5, 0, 0]].concat());
    [&COMPONENT[..], &instance, &export].concat()
}

/// A component that imports an empty instance as well.
fn importing(interface: &str) -> Vec<u8> {
    let ty = section(7, &[1, 0x42, 0]);
    let import = section(10, &[&[1][..], &extern_name(interface), &[5, 0]].concat());
    let export = section(11, &[&[1][..], &extern_name("tillmesh:channel/inbound@0.1.0"), &[5, 0, 0]].concat());
    [&COMPONENT[..], &ty, &import, &export].concat()
}

fn refusal(bytes: &[u8]) -> String {
    HOST.install(bytes, Limits::DEFAULT).err().expect("it was installed").to_string()
}

#[test]
fn what_is_no_component_is_refused_as_what_it_is() {
    assert!(refusal(b"").starts_with("this is no WebAssembly: it begins with nothing"));
    assert!(refusal(b"{\"id\": 1}").starts_with("this is no WebAssembly: it begins with 7b 22 69"));
    assert!(refusal(b"\0asm\x01\0\0\0").starts_with("this is a core module, a component is needed"));
    let mut torn = component("promotions");
    torn.truncate(torn.len() / 2);
    assert!(refusal(&torn).starts_with("the component cannot be compiled"));
}

#[test]
fn a_component_without_an_export_of_the_contract_is_refused_with_what_it_has() {
    let needed = "a plugin exports at least one of tillmesh:channel/inbound@0.1.0, tillmesh:channel/outbound@0.1.0, \
                  tillmesh:channel/acknowledgement@0.1.0, tillmesh:channel/pricing@0.1.0";
    assert_eq!(refusal(&COMPONENT), format!("the component exports nothing; {needed}"));
    assert_eq!(
        refusal(&exporting("wasi:cli/run@0.2.0")),
        format!("the component exports wasi:cli/run@0.2.0; {needed}")
    );
}

#[test]
fn another_version_is_refused_with_what_it_has_and_what_is_needed() {
    for other in ["0.2.0", "1.0.0", "0.0.1"] {
        assert_eq!(
            refusal(&exporting(&format!("tillmesh:channel/inbound@{other}"))),
            format!(
                "the component has tillmesh:channel/inbound@{other}, this node needs tillmesh:channel/inbound@0.1.0: \
                 build it against that version of wit/"
            )
        );
    }
    // A later patch only has more: what is missing is its function, not its version.
    let later = refusal(&exporting("tillmesh:channel/inbound@0.1.7"));
    assert!(later.starts_with("the component does not fit tillmesh:channel@0.1.0"), "{later}");
}

#[test]
fn the_right_name_with_other_types_is_refused() {
    let error = refusal(&exporting("tillmesh:channel/inbound@0.1.0"));
    assert!(error.contains("does not fit tillmesh:channel@0.1.0") && error.contains("translate"), "{error}");
}

fn granting(capabilities: &[Capability]) -> Terms {
    Terms { capabilities: capabilities.to_vec(), ..Terms::default() }
}

#[test]
fn an_import_that_is_not_granted_is_refused_by_name() {
    for import in ["wasi:filesystem/types@0.2.0", "wasi:clocks/wall-clock@0.2.0", "some:thing/else@1.0.0"] {
        let error = refusal(&importing(import));
        assert!(error.starts_with(&format!("the component imports {import}, which it is not granted")), "{error}");
    }
    // What is served to who is granted it: even then not all of WASI.
    let with_wasi = [Capability::Log, Capability::Wasi];
    let http = HOST.install_on(&importing("wasi:http/types@0.2.0"), &granting(&with_wasi)).err().unwrap();
    assert!(
        matches!(&http, InstallError::Import { granted, .. } if granted.ends_with("log@0.1.0, wasi@0.2")),
        "{http}"
    );
    let few = HOST.install_on(&component("misbehaving"), &granting(&[Capability::Log])).err().unwrap();
    assert!(matches!(&few, InstallError::Import { granted, .. } if granted == "tillmesh:channel/log@0.1.0"), "{few}");
}

#[test]
fn a_manifest_grants_what_it_names() {
    let manifest = Manifest::parse(include_str!("../../../../plugins/shopify/plugin.toml")).unwrap();
    assert_eq!((manifest.name.as_str(), manifest.world.as_str()), ("shopify", "tillmesh:channel/channel@0.1.0"));
    let plugin = HOST.install_on(&component("shopify"), &granting(&manifest.capabilities)).unwrap();
    assert_eq!(plugin.exports(), [Export::Inbound, Export::Outbound]);
    let pricing = Manifest::parse(include_str!("../../../../plugins/promotions/plugin.toml")).unwrap();
    let plugin = HOST.install_on(&component("promotions"), &granting(&pricing.capabilities)).unwrap();
    assert_eq!(plugin.exports(), [Export::Pricing]);
    assert!(Manifest::parse("name = \"a\"\nversion = \"1\"\nworld = \"w\"\ncapabilities = [\"files\"]").is_err());
}

#[test]
fn a_component_that_cannot_start_within_its_limits_is_refused() {
    let tight = Limits { memory_bytes: 64 << 10, ..Limits::DEFAULT };
    let error = HOST.install(&component("promotions"), tight).err().unwrap();
    assert!(matches!(error, InstallError::Start { fault: CallFault::Limit(Limit::Memory) }), "{error}");
}

#[test]
fn limits_are_capped_at_what_the_node_allows() {
    let wide = Limits { fuel: u64::MAX, memory_bytes: usize::MAX, ..Limits::DEFAULT };
    let plugin = installed("promotions", wide);
    assert_eq!(
        (plugin.terms().limits.fuel, plugin.terms().limits.memory_bytes),
        (Limits::MAX.fuel, Limits::MAX.memory_bytes)
    );
}

#[test]
fn compiled_code_is_taken_from_the_cache_only_with_its_seal() {
    let dir = tempfile::tempdir().unwrap();
    let cache = CodeCache { dir: dir.path().join("code"), key: [7; 32] };
    let host = PluginHost::new(HostOptions { cache: Some(cache.clone()) }).unwrap();
    let bytes = component("promotions");
    let hash = host.install(&bytes, Limits::DEFAULT).unwrap().hash();
    let engine = host.engine.engine();
    assert!(cache.load(engine, hash).is_some());

    let files: Vec<_> = fs::read_dir(&cache.dir).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    let sealed = fs::read(&files[0]).unwrap();
    let with = |change: fn(&mut Vec<u8>)| {
        let mut bent = sealed.clone();
        change(&mut bent);
        fs::write(&files[0], bent).unwrap();
        cache.load(engine, hash).is_some()
    };
    assert!(!with(Vec::clear), "an empty file was taken");
    assert!(!with(|file| file.truncate(20)), "a torn seal was taken");
    assert!(!with(|file| file.truncate(file.len() / 2)), "half a file was taken");
    assert!(!with(|file| file[0] ^= 1), "another seal was taken");
    assert!(!with(|file| *file.last_mut().unwrap() ^= 1), "a bent file was taken");
    assert!(with(|_| ()));
    cache.make_room(0).unwrap();
    assert!(files[0].exists(), "what was compiled last was taken away");
    fs::write(cache.dir.join("newer"), "x").unwrap();
    fs::File::options().write(true).open(&files[0]).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    cache.make_room(sealed.len() as u64 + 1).unwrap();
    assert!(files[0].exists(), "what there is room for was taken away");
    cache.make_room(1).unwrap();
    assert!(!files[0].exists() && cache.dir.join("newer").exists(), "there is more than there is room for");
    fs::write(&files[0], &sealed).unwrap();
    let foreign = CodeCache { key: [8; 32], ..cache.clone() };
    assert!(foreign.load(engine, hash).is_none(), "a file of another node was taken");
    let other = ObjectHash::of(b"another component");
    fs::rename(
        &files[0],
        files[0].with_file_name(
            files[0].file_name().unwrap().to_str().unwrap().replace(&hash.to_string(), &other.to_string()),
        ),
    )
    .unwrap();
    assert!(cache.load(engine, other).is_none(), "a renamed file was taken");
    assert!(host.install(&bytes, Limits::DEFAULT).is_ok(), "a bad cache kept a plugin from being installed");
}

#[test]
fn a_key_that_others_may_read_seals_nothing_any_more() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let key = || CodeCache::open(dir.path()).unwrap().key;
    let (file, first) = (dir.path().join("code-cache.key"), key());
    assert_eq!((key(), fs::metadata(&file).unwrap().permissions().mode() & 0o777), (first, 0o600));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    assert_ne!(key(), first);
    fs::write(&file, "short").unwrap();
    assert_ne!(key(), first);
}
