// Package datachannel is the protocol of Session Manager's data channels, which both ends use: what stands for the
// service and the agent in the laptop cloud, and the client in webstack. Messages go over WebSockets that may break; they
// carry numbers, are acknowledged, and are sent again until they are.
package datachannel
