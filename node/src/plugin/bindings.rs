//! What `wit/` generates for the host. A component exports any of the four interfaces; which ones is found when it is
//! installed.

wasmtime::component::bindgen!({
    path: "../wit",
    inline: "
        package tillmesh:host;

        world everything {
            include tillmesh:channel/imports@0.1.0;
            export tillmesh:channel/inbound@0.1.0;
            export tillmesh:channel/outbound@0.1.0;
            export tillmesh:channel/acknowledgement@0.1.0;
            export tillmesh:channel/pricing@0.1.0;
        }
    ",
    world: "tillmesh:host/everything",
    imports: { default: trappable },
    additional_derives: [PartialEq],
});
