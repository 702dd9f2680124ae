//! What `wit/` generates. One module per exported interface, so that a plugin exports what its features name and no
//! more; they share the types of [`common`].

/// The imports, which every plugin may use. What it does not use, its component does not import.
pub mod common {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "imports",
        generate_all,
        additional_derives: [PartialEq],
    });
}

/// The export `inbound`.
#[cfg(feature = "inbound")]
pub mod inbound {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "inbound-channel",
        pub_export_macro: true,
        export_macro_name: "export_inbound",
        default_bindings_module: "tillmesh_plugin::bindings::inbound",
        additional_derives: [PartialEq],
        with: {
            "tillmesh:channel/types@0.1.0": super::common::tillmesh::channel::types,
            "tillmesh:channel/lookup@0.1.0": super::common::tillmesh::channel::lookup,
            "tillmesh:channel/state@0.1.0": super::common::tillmesh::channel::state,
            "tillmesh:channel/log@0.1.0": super::common::tillmesh::channel::log,
            "tillmesh:channel/metrics@0.1.0": super::common::tillmesh::channel::metrics,
        },
    });
}

/// The export `outbound`.
#[cfg(feature = "outbound")]
pub mod outbound {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "outbound-channel",
        pub_export_macro: true,
        export_macro_name: "export_outbound",
        default_bindings_module: "tillmesh_plugin::bindings::outbound",
        additional_derives: [PartialEq],
        with: {
            "tillmesh:channel/types@0.1.0": super::common::tillmesh::channel::types,
            "tillmesh:channel/lookup@0.1.0": super::common::tillmesh::channel::lookup,
            "tillmesh:channel/state@0.1.0": super::common::tillmesh::channel::state,
            "tillmesh:channel/log@0.1.0": super::common::tillmesh::channel::log,
            "tillmesh:channel/metrics@0.1.0": super::common::tillmesh::channel::metrics,
        },
    });
}

/// The export `acknowledgement`.
#[cfg(feature = "acknowledgement")]
pub mod acknowledgement {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "
            package tillmesh:sdk;

            world acknowledging {
                include tillmesh:channel/imports@0.1.0;
                export tillmesh:channel/acknowledgement@0.1.0;
            }
        ",
        world: "tillmesh:sdk/acknowledging",
        pub_export_macro: true,
        export_macro_name: "export_acknowledgement",
        default_bindings_module: "tillmesh_plugin::bindings::acknowledgement",
        additional_derives: [PartialEq],
        with: {
            "tillmesh:channel/types@0.1.0": super::common::tillmesh::channel::types,
            "tillmesh:channel/lookup@0.1.0": super::common::tillmesh::channel::lookup,
            "tillmesh:channel/state@0.1.0": super::common::tillmesh::channel::state,
            "tillmesh:channel/log@0.1.0": super::common::tillmesh::channel::log,
            "tillmesh:channel/metrics@0.1.0": super::common::tillmesh::channel::metrics,
        },
    });
}

/// The export `pricing`.
#[cfg(feature = "pricing")]
pub mod pricing {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "promotion",
        pub_export_macro: true,
        export_macro_name: "export_pricing",
        default_bindings_module: "tillmesh_plugin::bindings::pricing",
        additional_derives: [PartialEq],
        with: {
            "tillmesh:channel/types@0.1.0": super::common::tillmesh::channel::types,
            "tillmesh:channel/log@0.1.0": super::common::tillmesh::channel::log,
            "tillmesh:channel/metrics@0.1.0": super::common::tillmesh::channel::metrics,
        },
    });
}
